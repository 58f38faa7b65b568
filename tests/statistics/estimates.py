#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are the estimates of sampled traces right, and their standard errors? Usage: estimates.py BUILD RUNS [MEAN...]

Runs tests/programs/estimated RUNS times for each flavour, number of threads and mean distance of the samples, and compares
what log-malloc-report and log-malloc-diff say, in their JSON, with what they say of a full trace. A cell is one number:
of all blocks, of a backtrace or of a size class; allocated, leaked or at the peak; blocks or bytes.

Prints a line for each combination. Exit status: 0 all is as chance allows, 1 something is not: by chance, that happens
once in a million times. Where that needs approximations, chances.py says which.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

# No files beside the sources.
sys.dont_write_bytecode = True
import chances

FLAVOURS = {"preload": "", "static": ".static"}
FORMATS = ("full", "compact", "packed")
# The rounds of one thread, of eight threads: so that there are samples.
ROUNDS = {4 << 10: (1, 1), 64 << 10: (4, 1), 512 << 10: (16, 2)}
MEANS = (4 << 10, 64 << 10, 512 << 10)
MEASURES = ("allocated", "leaked", "peak")
UNITS = ("count", "bytes")
# At a time. More would only take the processors from others.
JOBS = 2


class Number:
	"""What a command says of a cell: an amount, and its variance."""

	def __init__(self):
		self.value = self.variance = 0

	def add(self, amount, unit):
		self.value += amount[unit]
		self.variance += amount.get(unit + "_error", 0) ** 2
		return self


def run(build, command, **environment):
	result = subprocess.run([os.path.join(build, command[0]), *command[1:]], env=dict(os.environ, **environment), capture_output=True,
		check=False)
	if result.returncode or (result.stderr and environment):
		sys.exit("%s: status %d: %s" % (" ".join(command), result.returncode, result.stderr.decode()))
	return result.stdout


def trace(build, path, flavour, threads, rounds, **settings):
	if flavour == "preload":
		settings["LD_PRELOAD"] = os.path.join(build, "liblog-malloc2.so")
	run(build, ["tests/programs/estimated" + FLAVOURS[flavour], str(threads), str(rounds)], LOG_MALLOC_OUTPUT=path, LOG_MALLOC_QUIET="1",
		**settings)
	return path


def backtrace(entry):
	"""Addresses differ from run to run."""
	return " < ".join(f["function"] or "%s+%s" % (os.path.basename(f["module"] or ""), f["offset"]) for f in entry["backtrace"] or [])


def parts(report):
	"""Each number of a report: its cell, the amount, the unit. Several backtraces can have the same functions."""
	for unit in UNITS:
		for measure in MEASURES:
			yield ("all", "", measure, unit), report[measure], unit
			for entry in report["consumers"]:
				yield ("backtrace", backtrace(entry), measure, unit), entry[measure], unit
		for size in report["sizes"]:
			yield ("size", "%d to %d" % (size["from"], size["to"]), "allocated", unit), size, unit


def numbers(report):
	cells = {}
	for cell, amount, unit in parts(report):
		cells.setdefault(cell, Number()).add(amount, unit)
	return cells


def report(build, path):
	return json.loads(run(build, ["log-malloc-report", "-n", "--format", "json", "--by", "allocated", path]))


def truth_of(reports, mean):
	"""What full traces say, and how much an estimate of it has to vary: a chances.Expected for each cell."""
	first, second = (numbers(r) for r in reports)
	# What the C library does is not the same in each run.
	cells = {cell: chances.Expected(n.value) for cell, n in first.items() if cell in second and second[cell].value == n.value}
	for cell, amount, unit in parts(reports[0]):
		added = [cell] if cell[0] != "all" else []
		added += [("all", "", *cell[2:])] if cell[0] == "backtrace" else []
		for name in added:
			if name in cells:
				cells[name].add_blocks(amount["count"], amount["bytes"], unit, mean)
	return cells


def make_truth(build, directory, flavour, threads, rounds, mean):
	reports = []
	for i in range(2):
		path = trace(build, os.path.join(directory, "full.%d" % i), flavour, threads, rounds)
		reports.append(report(build, path))
		if i:
			os.unlink(path)
	return truth_of(reports, mean), os.path.join(directory, "full.0")


def sampled(build, directory, name, flavour, threads, rounds, mean, i):
	path = os.path.join(directory, "%s.%d" % (name, i))
	return trace(build, path, flavour, threads, rounds, LOG_MALLOC_SAMPLE=str(mean), LOG_MALLOC_FORMAT=FORMATS[i % len(FORMATS)])


def reported(build, directory, flavour, threads, rounds, mean, i):
	path = sampled(build, directory, "s", flavour, threads, rounds, mean, i)
	result = numbers(report(build, path))
	os.unlink(path)
	return result


def each(runs, do):
	with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
		return list(pool.map(do, range(runs)))


def judge(title, truth, results):
	"""Compares RESULTS, a dictionary of cells each, with the truth."""
	tests = chances.Tests(title, len(results))
	for cell, expected in truth.items():
		estimates = [result.get(cell) or Number() for result in results]
		tests.add(cell, expected, [(n.value, n.variance) for n in estimates])
	tests.end()
	return tests


def combination(build, runs, flavour, threads, mean):
	rounds = ROUNDS[mean][threads > 1]
	with tempfile.TemporaryDirectory() as directory:
		truth, _ = make_truth(build, directory, flavour, threads, rounds, mean)
		results = each(runs, lambda i: reported(build, directory, flavour, threads, rounds, mean, i))
	return judge((flavour, threads, mean), truth, results)


# ---- differences ----


def differences(build, measure, old, new):
	"""What log-malloc-diff says of two traces. Only what has grown is listed by its backtrace."""
	diff = json.loads(run(build, ["log-malloc-diff", "-n", "--format", "json", "--by", measure, old, new]))
	cells = {}
	for unit in UNITS:
		for entry in diff["grown"]:
			cells.setdefault(("backtrace", backtrace(entry), measure, unit), Number()).add(entry, unit)
		total = cells[("all", "", measure, unit)] = Number()
		total.value = diff[unit]
		total.variance = sum(diff[side].get(unit + "_error", 0) ** 2 for side in ("old", "new"))
	return cells


def both_differences(build, old, new):
	return {**differences(build, "leaked", old, new), **differences(build, "allocated", old, new)}


def true_difference(old, new, cells):
	"""Of backtraces whose estimates always grow."""
	truth = {}
	for cell, number in cells.items():
		if cell not in old or cell not in new:
			continue
		expected = chances.Expected()
		expected.add(old[cell])
		expected.add(new[cell])
		expected.value = number.value
		if number.value > 7 * expected.variance**0.5:
			truth[cell] = expected
	return truth


def difference(build, runs, flavour, mean):
	few = ROUNDS[mean][0]
	many = 4 * few
	with tempfile.TemporaryDirectory() as directory:

		def compare(i):
			old = sampled(build, directory, "old", flavour, 1, few, mean, i)
			new = sampled(build, directory, "new", flavour, 1, many, mean, i)
			result = both_differences(build, old, new)
			os.unlink(old)
			os.unlink(new)
			return result

		old, full_old = make_truth(build, directory, flavour, 1, few, mean)
		full_old = os.rename(full_old, full_old + ".old") or full_old + ".old"
		new, full_new = make_truth(build, directory, flavour, 1, many, mean)
		truth = true_difference(old, new, both_differences(build, full_old, full_new))
		return judge(("diff, " + flavour, 1, mean), truth, each(runs, compare))


def main(arguments):
	build, runs, means = os.path.abspath(arguments[0]), int(arguments[1]), [int(m) for m in arguments[2:]] or MEANS
	os.nice(5)
	done = []
	print(chances.HEAD, flush=True)
	for flavour in FLAVOURS:
		for threads in (1, 8):
			for mean in means:
				done.append(combination(build, runs, flavour, threads, mean))
				print(done[-1].line(), flush=True)
		for mean in means:
			done.append(difference(build, runs, flavour, mean))
			print(done[-1].line(), flush=True)
	return chances.conclude(done)


sys.exit(main(sys.argv[1:]))
