# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables on standard output."""

import statistics

import figures
import measure

MIB = 2**20


def table(title, head, rows):
	"""Columns as wide as what is in them; the first one to the left, the others to the right."""
	widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
	print(f"\n{title}")
	for row in [head, *rows]:
		print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
		                for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def short(number):
	return "-" if number is None else f"{number:.3f}" if number < 10 else f"{number:.0f}"


def cost(results, workload, mode):
	found = figures.values(results, workload, mode)
	return f"{short(statistics.median(found))} ±{figures.spread(found) * 100:.0f}%" if found else "n/a"


def costs(results, workloads, modes):
	table("Cost: nanoseconds a step inside the program, or seconds of the whole; median, and half the range",
	      ["workload", "unit", *modes],
	      [[workload.name, "ns" if workload.timed_inside else "s", *(cost(results, workload, mode) for mode in modes)]
	       for workload in workloads])


def ratio_cell(results, workload, mode, against):
	ratio = figures.ratio(results, workload, mode, against)
	if ratio is None:
		return "n/a"
	rounds = figures.ratios_by_round(results, workload, mode, against)
	return f"{ratio:.2f} [{min(rounds):.2f} {max(rounds):.2f}]" if len(rounds) > 1 else f"{ratio:.2f}"


def overheads(results, workloads):
	columns = [(mode, "heaptrack") for mode in ("off", "sampled", *measure.OURS, "memusage")] + \
	          [(mode, "ht-file") for mode in measure.OURS]
	table("Overhead over heaptrack's: (mode - untraced) / (heaptrack -r - untraced), of the medians"
	      " [least, most of a round];"
	      "\nht-file: heaptrack's library alone, writing to a plain file",
	      ["workload", *(mode if against == "heaptrack" else f"{mode}/{against}" for mode, against in columns)],
	      [[workload.name, *(ratio_cell(results, workload, mode, against) for mode, against in columns)]
	       for workload in workloads if workload.kind != "start"])


def off(results, workloads):
	"""The start of a process is paid once, whatever the program does then."""
	rows = []
	for workload in (each for each in workloads if each.idle):
		whole, start, each = figures.off_parts(results, workload)
		base = figures.median(results, workload, "untraced")
		if whole is None:
			continue
		rows.append([workload.name, f"{base * 1e3:.1f}", f"{whole * 1e3:+.2f}", *(
			"n/a" if start is None else f"{part * 1e3:+.2f}" for part in (start, whole - (start or 0))),
			"n/a" if each is None else f"{each:+.1f}"])
	if rows:
		table("Off, ms: what a real program takes longer with the library in it, and how much of that is its start"
		      "\n(measured without any work); ns: what is left, for each call",
		      ["program", "untraced ms", "off ms", "of that, start", "calls", "ns a call"], rows)


def sizes(results, workloads):
	rows = []
	for workload in (each for each in workloads if each.kind != "start"):
		cells = [workload.name]
		for mode in measure.OURS:
			each, size = figures.bytes_per_event(results, workload, mode), figures.first(results, workload, mode, "bytes")
			cells += ["n/a" if each is None else f"{each:.1f}", "n/a" if size is None else f"{size / 1e6:.1f}"]
		events, theirs = (figures.first(results, workload, *key) for key in (("packed", "events"), ("heaptrack", "bytes")))
		cells += ["n/a" if events is None else f"{events}", "n/a" if theirs is None else f"{theirs / 1e6:.1f}"]
		rows.append(cells)
	table("Traces: bytes an event, and MB; heaptrack's raw file is compressed",
	      ["workload", *(f"{mode} {what}" for mode in measure.OURS for what in ("B/event", "MB")), "events", "heaptrack MB"],
	      rows)


def memory(results, workloads, modes):
	def cell(workload, mode):
		found = figures.peak(results, workload, mode)
		return "n/a" if found is None else f"{found / MIB:.1f}"

	modes = [mode for mode in modes if mode not in ("dhat", "rawwrite")]
	table("Peak memory, MiB: of the largest process, which can be heaptrack's compressor; ht-file has none",
	      ["workload", *modes],
	      [[workload.name, *(cell(workload, mode) for mode in modes)] for workload in workloads])


def reading(readers):
	rows = []
	for name, forms in readers.items():
		for form, row in forms.items():
			wall = statistics.median(row["wall"])
			reading = statistics.median(row["reading"]) if "reading" in row else None
			rows.append([f"{name}, {form}", "heaptrack_print" if form == "heaptrack" else "findleak",
			             f"{row['bytes'] / 1e6:.1f}", f"{wall:.3f} ±{figures.spread(row['wall']) * 100:.0f}%",
			             f"{statistics.median(row['cpu']):.3f}", short(reading),
			             f"{row['bytes'] / reading / 1e6:.0f}" if reading else "-",
			             f"{row['events'] / reading / 1e6:.2f}" if reading else "-",
			             f"{statistics.median(row['rss']) / MIB:.1f}"])
	if rows:
		table("Reading: the whole, and ours without the look-up of symbols, which MB/s and events are of",
		      ["trace", "by", "MB", "seconds", "CPU s", "reading s", "MB/s", "M events/s", "peak MiB"], rows)


def verdicts(found):
	table("Figures to reach", ["figure", "measured", "limit", ""],
	      [[each.about, each.measured, each.limit, each.verdict] for each in found])
