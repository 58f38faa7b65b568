# SPDX-License-Identifier: GPL-3.0-or-later
"""From samples to numbers: medians, overheads, and the figures to reach.
Pure: reads RESULTS ({workload: {mode: [sample, ...]}}, one sample a round) and writes nothing."""

import functools
import math
import statistics

import measure

# Packed: the overhead over heaptrack's.
PACKED_LIMITS = {"loop-1": 0.22, "loop-2": 0.18, "strings": 0.30, "sqlite3": 0.45, "python3": 0.30, "jq": 0.33, "perl": 0.40}
BYTES_PER_EVENT = 13
# What an event costs each of two threads over what it costs a single one.
SHARED_LIMIT = 1.3
FULL_WRITE_FACTOR = 1.3
OFF_LIMIT = 1.15
LIGHT_LOOPS = ("loop-1", "loop-2")
# With a sample of 512 KiB: the loops' time over untraced, memory over untraced, the trace's size, and how likely a
# difference of real programs has to be by chance.
SAMPLED_LIMIT = 1.10
SAMPLED_MEMORY = 2 << 20
SAMPLED_TRACE = 1 << 20
SAMPLED_CHANCE = 0.05
FIXED_BUFFERS = 8 << 20
HEAP_SHARE = 0.25
READ_FULL = 1e9
READ_EVENTS = {"compact": 10e6, "packed": 40e6}
# Of heaptrack_print's time.
FINDLEAK_SHARE = 0.4
# How sure one has to be that two sets of runs differ.
CHANCE = 0.01


def value(workload, sample):
	"""Nanoseconds a step where the program times itself, else seconds."""
	if workload.timed_inside:
		return sample["inside"] * 1e9 / sample["operations"]
	return sample["wall"]


def values(results, workload, mode):
	return [value(workload, sample) for sample in results[workload.name].get(mode, [])]


def median(results, workload, mode):
	found = values(results, workload, mode)
	return statistics.median(found) if found else None


def spread(found):
	"""Half of what lies between the outermost samples, as a share of the median."""
	return (max(found) - min(found)) / 2 / statistics.median(found) if len(found) > 1 else 0.0


def peak(results, workload, mode):
	found = [sample["rss"] for sample in results[workload.name].get(mode, [])]
	return statistics.median(found) if found else None


def overhead(results, workload, mode):
	base, with_it = median(results, workload, "untraced"), median(results, workload, mode)
	return with_it - base if base is not None and with_it is not None else None


def ratio(results, workload, mode, against="heaptrack"):
	"""The overhead of MODE over that of AGAINST, of the medians; None where the peer's is lost in the noise."""
	ours, theirs = overhead(results, workload, mode), overhead(results, workload, against)
	return ours / theirs if ours is not None and theirs and theirs > 0 else None


def ratios_by_round(results, workload, mode, against="heaptrack"):
	"""The same within each round: how far the ratio can be trusted."""
	rounds = zip(*(values(results, workload, each) for each in ("untraced", mode, against)))
	return [(ours - base) / (theirs - base) for base, ours, theirs in rounds if theirs > base]


def start_cost(results, workload):
	"""What the tracker costs a program without work when it is off, in seconds; None if that was not measured."""
	base, off = (median(results, workload, measure.idle(mode)) for mode in ("untraced", "off"))
	return off - base if base is not None and off is not None else None


def off_parts(results, workload):
	"""(seconds over untraced, those of the start, nanoseconds each call behind the start); None for what is not known."""
	whole, start = overhead(results, workload, "off"), start_cost(results, workload)
	calls, idle_calls = (first(results, workload, mode, "events") for mode in ("packed", measure.idle("packed")))
	each = None
	if None not in (whole, start, calls, idle_calls) and calls > idle_calls:
		each = (whole - start) / (calls - idle_calls) * 1e9
	return whole, start, each


def first(results, workload, mode, key):
	return next((sample[key] for sample in results[workload.name].get(mode, []) if key in sample), None)


def bytes_per_event(results, workload, mode):
	events = first(results, workload, mode, "events")
	sizes = [sample["bytes"] for sample in results[workload.name].get(mode, [])]
	return statistics.median(sizes) / events if events else None


@functools.lru_cache(maxsize=None)
def arrangements(u, m, n):
	"""Orders of M and N values in which at most U pairs are the wrong way round."""
	if u < 0:
		return 0
	if m == 0 or n == 0:
		return 1
	return arrangements(u - n, m - 1, n) + arrangements(u, m, n - 1)


def chance_of_no_difference(low, high):
	"""Mann and Whitney's test, exact: how likely it is that HIGH stands so far above LOW by chance."""
	u = sum(a > b for a in low for b in high)
	return arrangements(u, len(high), len(low)) / math.comb(len(low) + len(high), len(low))


# ---- the figures ------------------------------------------------------------

class Figure:
	"""One promise: what it is about, what was measured, what it has to be."""

	def __init__(self, about, measured, limit, met):
		self.about, self.measured, self.limit, self.met = about, measured, limit, met

	@property
	def verdict(self):
		return "n/a" if self.met is None else "PASS" if self.met else "MISS"


def at_most(about, measured, limit, form="{:.2f}"):
	if measured is None:
		return Figure(about, "n/a", "<= " + form.format(limit), None)
	return Figure(about, form.format(measured), "<= " + form.format(limit), measured <= limit)


def at_least(about, measured, limit, form):
	return Figure(about, form.format(measured), ">= " + form.format(limit), measured >= limit)


def packed_figures(results, workloads):
	for workload in workloads:
		limit = PACKED_LIMITS.get(workload.name)
		if limit:
			yield at_most(f"packed over heaptrack, {workload.name}", ratio(results, workload, "packed"), limit)


def shared_figures(results, workloads):
	"""Steps are counted of all threads together: with two, each thread makes half of them in the same time."""
	named = {workload.name: workload for workload in workloads}
	if not {"loop-1", "loop-2"} <= set(named):
		return
	alone, both = (overhead(results, named[name], "packed") for name in ("loop-1", "loop-2"))
	yield at_most("packed, what a step costs each of two threads, over one alone",
	              2 * both / alone if both is not None and alone else None, SHARED_LIMIT)


def full_figures(results, workloads):
	for workload in workloads:
		compact, full = (overhead(results, workload, mode) for mode in ("compact", "full"))
		write = median(results, workload, "rawwrite")
		if workload.name != "loop-7":
			continue
		about = f"full, ns a step over untraced, {workload.name}"
		if None in (compact, full, write):
			yield Figure(about, "n/a" if full is None else f"{full:.0f}",
			             "<= compact's + " + ("n/a" if write is None else f"{FULL_WRITE_FACTOR} * {write:.0f}"), None)
		else:
			yield at_most(about, full, compact + FULL_WRITE_FACTOR * write, "{:.0f}")


def light_share(results, workload, mode):
	"""The time in MODE over that of the untraced run beside it: the median of all such pairs."""
	base, light = (values(results, workload, each) + values(results, workload, measure.again(each))
	               for each in ("untraced", mode))
	return statistics.median(with_it / without for without, with_it in zip(base, light))


def light_figures(results, workloads, mode, loop_limit, least_chance):
	"""What MODE, which costs next to nothing, takes longer: the loops by their ratio, real programs by a test."""
	for workload in workloads:
		base, light = (values(results, workload, each) for each in ("untraced", mode))
		if not base or not light:
			continue
		share = statistics.median(light) / statistics.median(base)
		if workload.name in LIGHT_LOOPS:
			yield at_most(f"{mode} over untraced, {workload.name}", light_share(results, workload, mode), loop_limit)
		elif workload.kind == "real":
			chance = chance_of_no_difference(base, light)
			enough = 1 / math.comb(len(base) + len(light), len(light)) < least_chance
			yield Figure(f"{mode} not measurable, {workload.name}", f"{(share - 1) * 100:+.1f} %, p={chance:.3f}",
			             f"p >= {least_chance}" if enough else "needs more rounds",
			             chance >= least_chance if enough else None)


def off_figures(results, workloads):
	yield from light_figures(results, workloads, "off", OFF_LIMIT, CHANCE)


def sampled_figures(results, workloads):
	yield from light_figures(results, workloads, "sampled", SAMPLED_LIMIT, SAMPLED_CHANCE)
	for workload in workloads:
		ours, base = (peak(results, workload, mode) for mode in ("sampled", "untraced"))
		if ours is None or base is None or workload.kind == "start":
			continue
		yield at_most(f"sampled, MiB over untraced, {workload.name}", (ours - base) / 2**20, SAMPLED_MEMORY / 2**20)
		if workload.kind == "real":
			size = max(sample["bytes"] for sample in results[workload.name]["sampled"])
			yield at_most(f"sampled, KiB of trace, {workload.name}", size / 1024, SAMPLED_TRACE / 1024, "{:.0f}")


def size_figures(results, workloads):
	for workload in workloads:
		if workload.name in PACKED_LIMITS:
			yield at_most(f"packed, bytes an event, {workload.name}", bytes_per_event(results, workload, "packed"),
			              BYTES_PER_EVENT, "{:.1f}")


def memory_figures(results, workloads):
	for workload in workloads:
		live = first(results, workload, "untraced", "live")
		if workload.kind != "heap" or not live:
			continue
		for mode in measure.OURS:
			ours, base = peak(results, workload, mode), peak(results, workload, "untraced")
			yield at_most(f"{mode}, MiB over untraced, {workload.name}", None if ours is None else (ours - base) / 2**20,
			              (FIXED_BUFFERS + HEAP_SHARE * live) / 2**20, "{:.0f}")


def reader_figures(readers):
	for name, rows in readers.items():
		theirs = rows.get("heaptrack")
		for form in measure.OURS:
			if form not in rows:
				continue
			row = rows[form]
			seconds, whole = (statistics.median(row[part]) for part in ("reading", "wall"))
			if form == "full":
				yield at_least(f"findleak reads full on one processor, GB/s, {name}", row["bytes"] / seconds / 1e9, READ_FULL / 1e9, "{:.2f}")
			else:
				yield at_least(f"findleak reads {form} on one processor, M events/s, {name}", row["events"] / seconds / 1e6,
				               READ_EVENTS[form] / 1e6, "{:.1f}")
			if theirs:
				yield at_most(f"the whole of findleak, {form}, over heaptrack_print, {name}",
				              whole / statistics.median(theirs["wall"]), FINDLEAK_SHARE)


def all_figures(results, workloads, readers):
	return [figure for part in (packed_figures, shared_figures, full_figures, off_figures, sampled_figures,
	                         size_figures, memory_figures)
	        for figure in part(results, workloads)] + list(reader_figures(readers))
