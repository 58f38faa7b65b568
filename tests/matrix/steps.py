# SPDX-License-Identifier: GPL-3.0-or-later
"""What all cells of `make matrix` do: run commands, and say what came out of a cell."""

import os
import re
import subprocess

TIMEOUT = 400
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.normpath(os.path.join(HERE, "..", ".."))
# What the make that started us has set is not meant for another machine.
CLEAN_MAKE = ["env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "CC", "-u", "CXX", "make", "-C", SOURCE,
              "--no-print-directory", f"-j{os.cpu_count()}"]


class Trouble(Exception):
	"""Something that ends the run, as a line for people."""


class Wrong(Exception):
	"""What is wrong with a cell, as a line for people."""


class Unable(Exception):
	"""Why a cell can't be tried, as a line for people."""


def run(command, timeout=TIMEOUT, **options):
	"""COMMAND is a list, or a line for the shell."""
	try:
		return subprocess.run(command, shell=isinstance(command, str), stdin=subprocess.DEVNULL, capture_output=True,
		                      text=True, errors="replace", timeout=timeout, check=False, **options)
	except subprocess.TimeoutExpired as expired:
		raise Wrong(f"{command} took more than {timeout} s") from expired


def first_lines(text, count=2):
	lines = [line.strip() for line in text.splitlines() if line.strip()]
	telling = [line for line in lines if re.search("error|undefined|cannot|unknown|unrecognized", line)]
	return " | ".join((telling or lines)[:count])[:300]


def make(arguments):
	made = run([*CLEAN_MAKE, *arguments])
	if made.returncode != 0:
		raise Trouble(f"make {' '.join(arguments)}: {made.stderr.strip()[-2000:]}")
