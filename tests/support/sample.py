#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes sampled traces of a full one. Usage: sample.py MEAN TIMES <FULL >SAMPLED

By the definition, and by none of the tracker's code: the requested bytes are a line on which points lie at random, MEAN
bytes apart. A block that has a point is in the sample; one of no bytes counts as a byte. A realloc is a release and a
new draw. FULL is a trace of malloc, realloc and free in the full format. The samples are images of one trace.
"""

import random
import sys

mean, times = int(sys.argv[1]), int(sys.argv[2])
rand = random.Random(1)
left = rand.expovariate(1 / mean)
sampled = {}


def is_drawn(size):
	global left
	left -= max(size, 1)
	if left > 0:
		return False
	# The process has no memory: where in the block the point lies does not matter.
	left = rand.expovariate(1 / mean)
	return True


def take(line):
	"""The line of the sampled trace, or None."""
	words = line.split()
	call = words[1]
	if call == "malloc":
		size, address = int(words[2]), words[3]
		if not is_drawn(size):
			return None
		sampled[address] = size
		return line
	if call == "free":
		return line if sampled.pop(words[3], None) is not None else None
	if call == "realloc":
		old, address, size = words[3], words[4], int(words[6].rstrip(")"))
		before = sampled.pop(old, None)
		if is_drawn(size):
			sampled[address] = size
			return line
		return None if before is None else f"+ free -{before} {old} [0:0]\n"
	return line


def write_sample(lines):
	kept = True
	for text in lines:
		if text.startswith("+ INIT"):
			sys.stdout.write(f"# SAMPLE {mean}\n")
		if text.startswith("+ "):
			text = take(text) or ""
			kept = text != ""
		# Frames belong to the event in front of them.
		if kept or text.startswith("#"):
			sys.stdout.write(text)


full = sys.stdin.readlines()
for _ in range(times):
	sampled.clear()
	write_sample(full)
