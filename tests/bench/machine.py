# SPDX-License-Identifier: GPL-3.0-or-later
"""What the numbers were measured on and with."""

import os
import platform
import shutil
import subprocess
import sys

# Beyond that, somebody else was using the processors: a share of all that they could do.
BUSY = 0.05

VERSIONS = {
	"heaptrack": ["heaptrack", "--version"],
	"valgrind": ["valgrind", "--version"],
	"memusage": ["memusage", "--version"],
	"sqlite3": ["sqlite3", "--version"],
	"jq": ["jq", "--version"],
	"perl": ["perl", "-e", "print $^V"],
	"libc": ["getconf", "GNU_LIBC_VERSION"],
	"log-malloc2": ["git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe", "--always", "--dirty", "--tags"],
}


def first_line(argv):
	if not shutil.which(argv[0]):
		return None
	done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
	text = done.stdout.decode(errors="replace").strip()
	return text.splitlines()[0] if text and done.returncode == 0 else None


def field(path, name):
	with open(path, encoding="utf-8", errors="replace") as file:
		for line in file:
			key, _, text = line.partition(":")
			if key.strip() == name:
				return text.strip()
	return None


def filesystem(path):
	"""The type of what PATH is on: the longest mount point above it."""
	best = ("", "unknown")
	with open("/proc/mounts", encoding="utf-8", errors="replace") as file:
		for line in file:
			_, point, kind = line.split()[:3]
			if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
				best = (point, kind)
	return best[1]


def busy_elsewhere():
	"""Seconds of processor time since the start that neither we nor what we ran have used."""
	with open("/proc/stat", encoding="ascii") as file:
		user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
	return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def describe(scratch):
	return {
		"processor": field("/proc/cpuinfo", "model name") or platform.machine(),
		"processors": len(os.sched_getaffinity(0)),
		"memory": field("/proc/meminfo", "MemTotal"),
		"kernel": " ".join((os.uname().sysname, os.uname().release)),
		"filesystem": filesystem(scratch),
		"heaptrack_compressor": "zstd" if shutil.which("zstd") else "gzip",
		"versions": {"bench-python3": platform.python_version(),
		             **{name: first_line(argv) for name, argv in VERSIONS.items()}},
	}


def show(about, quick, rounds):
	print(f"{about['processor']}, {about['processors']} processors, {about['memory']}, {about['kernel']},"
	      f" traces on {about['filesystem']}")
	print(", ".join(f"{name} {text}" for name, text in about["versions"].items() if text))
	print(f"{'quick' if quick else 'full'}, {rounds} rounds, {about['seconds']} s;"
	      f" heaptrack compresses with {about['heaptrack_compressor']}")
	if about["heaptrack_compressor"] == "gzip":
		print("heaptrack waits for gzip: install zstd (make deps-bench) for a fair comparison", file=sys.stderr)
	if about["used_by_others"] > BUSY:
		print(f"others used {about['used_by_others'] * 100:.0f} % of the processors meanwhile: do not trust these numbers")
