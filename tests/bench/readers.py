# SPDX-License-Identifier: GPL-3.0-or-later
"""The reading side: our reader on our traces and heaptrack's on its own, of the same program."""

import glob
import os

import measure


def record(place, workload, form):
	"""The trace of WORKLOAD's run for readers, as FORM has it: its path, or None if that format can't be had."""
	if form == "heaptrack":
		# Not raw: what heaptrack_print reads has been interpreted while it was recorded.
		measure.run(place, ["heaptrack", "-o", place.trace, *workload.reader], workload.env)
	else:
		argv, env = measure.MODES[form](place, workload, workload.reader)
		# As deep as a trace is if nobody says anything: what people read.
		env = {name: value for name, value in env.items() if name != "LOG_MALLOC_BACKTRACE_DEPTH"}
		measure.run(place, argv, {**workload.env, **env})
		if not measure.is_of_format(place.trace, form):
			os.unlink(place.trace)
			return None
	(written,) = glob.glob(f"{glob.escape(place.trace)}*")
	kept = f"{place.scratch}/read-{form}{os.path.splitext(written)[1]}"
	os.rename(written, kept)
	return kept


def measure_readers(place, workloads, rounds, say):
	"""{workload: {form: {"bytes", "events", "wall": [...], "cpu": [...], "rss": [...], "reading": [...]}}}

	"reading" is our reader on one processor, and without the look-up of symbols, which depends on the program and not
	on the trace.
	"""
	found = {}
	one_processor = ["taskset", "-c", str(max(os.sched_getaffinity(0)))]
	for workload in (each for each in workloads if each.reader):
		rows, commands = {}, {}
		try:
			for form in (*measure.OURS, "heaptrack"):
				if not measure.installed(form):
					continue
				try:
					path = record(place, workload, form)
				except measure.Trouble as trouble:
					if form != "heaptrack":
						raise
					# Its interpreter's troubles are not ours: there is nothing to compare with, that is all.
					say(f"heaptrack can't interpret {workload.name}: {trouble}")
					place.clean()
					continue
				if not path:
					continue
				rows[form] = {"bytes": os.path.getsize(path), "wall": [], "cpu": [], "rss": []}
				if form == "heaptrack":
					commands[form] = ["heaptrack_print", "-f", path]
				else:
					rows[form]["events"] = measure.count_events(path)
					commands[form] = [f"{place.build}/log-malloc-findleak", path]
			for number in range(rounds):
				say(f"readers, round {number + 1} of {rounds}: {workload.name}")
				for form, command in commands.items():
					# 1: it found leaks.
					sample = measure.run(place, command, accepted=(0, 1))
					if form != "heaptrack":
						alone = measure.run(place, [*one_processor, *command, "--no-translate"], accepted=(0, 1))
						rows[form].setdefault("reading", []).append(alone["wall"])
					rows[form]["wall"].append(sample["wall"])
					rows[form]["cpu"].append(sample["user"] + sample["system"])
					rows[form]["rss"].append(sample["rss"])
		finally:
			place.clean()
			for path in glob.glob(f"{glob.escape(place.scratch)}/read-*"):
				os.unlink(path)
		found[workload.name] = rows
	return found
