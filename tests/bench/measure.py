# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one workload in one mode: the command, what it took, what it wrote.
Leaves nothing behind in the scratch directory but what it was asked to keep."""

import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess

# Longer than anything here may take: what hangs is to be seen as such.
TIMEOUT = 900
# Seconds from SIGTERM to SIGKILL.
GRACE = 5


class Trouble(Exception):
	"""Something that ends the benchmark, as a line for people."""


class Place:
	"""The build directory's programs and the directory that traces are written to."""

	def __init__(self, build, scratch):
		self.build, self.scratch = build, scratch
		self.trace = f"{scratch}/trace"

	def program(self, name):
		return f"{self.build}/bench/{name}"

	def clean(self):
		for path in glob.glob(f"{glob.escape(self.trace)}*"):
			os.unlink(path)


# ---- modes ------------------------------------------------------------------

HEAPTRACK_LIBRARY = "lib/heaptrack/libheaptrack_preload.so"


def heaptrack_library():
	program = shutil.which("heaptrack")
	path = program and os.path.join(os.path.dirname(os.path.realpath(program)), "..", HEAPTRACK_LIBRARY)
	return os.path.realpath(path) if path and os.path.exists(path) else None


def traced(form):
	def command(place, workload, argv):
		return ([f"{place.build}/log-malloc", "-q", f"--{form}", "-o", place.trace, "--", *argv],
		        {"LOG_MALLOC_BACKTRACE_DEPTH": str(workload.depth)})
	return command


def preloaded(**settings):
	"""Without the launcher, whose start would count as the tracker's. TRACE is where a trace goes."""
	def command(place, workload, argv):
		env = {f"LOG_MALLOC_{name}": place.trace if value is TRACE else value for name, value in settings.items()}
		return argv, {"LD_PRELOAD": f"{place.build}/liblog-malloc2.so", **env}
	return command


TRACE = object()

# NAME: (place, workload, argv) -> (argv, environment)
MODES = {
	"untraced": lambda place, workload, argv: (argv, {}),
	"off": preloaded(),
	# In the format for what is left on; without the launcher, full would be the default.
	"sampled": preloaded(OUTPUT=TRACE, SAMPLE="512K", FORMAT="packed"),
	"full": traced("full"),
	"compact": traced("compact"),
	"packed": traced("packed"),
	"heaptrack": lambda place, workload, argv: (["heaptrack", "-r", "-o", place.trace, *argv], {}),
	# The same library without its pipe and compressor: what its tracing alone costs.
	"ht-file": lambda place, workload, argv: (argv, {"LD_PRELOAD": heaptrack_library(),
	                                                 "DUMP_HEAPTRACK_OUTPUT": place.trace}),
	"memusage": lambda place, workload, argv: (["memusage", *argv], {}),
	"dhat": lambda place, workload, argv: (["valgrind", "--tool=dhat", "-q", f"--num-callers={min(workload.depth, 500)}",
	                                        f"--dhat-out-file={place.trace}", *argv], {}),
}
# Each is the name of a format, too.
OURS = ("full", "compact", "packed")
# So fast that a loop has to be stretched for them: else, it is over before the processor is at speed, and what a sample
# needs once (names, new backtraces: some milliseconds) counts for as much as the steps.
FAST = ("untraced", "off", "sampled")
# So much slower that they run once, and a loop is shrunk for them.
SLOW = ("dhat",)


def installed(mode):
	if mode == "ht-file":
		return heaptrack_library() is not None
	program = {"heaptrack": "heaptrack", "memusage": "memusage", "dhat": "valgrind"}.get(mode)
	return program is None or shutil.which(program) is not None


# ---- running ----------------------------------------------------------------

def clean_environment():
	return {name: value for name, value in os.environ.items()
	        if not name.startswith("LOG_MALLOC_") and name not in ("LD_PRELOAD", "DUMP_HEAPTRACK_OUTPUT", "MAKEFLAGS")}


def end_group(process):
	"""timed tells all that it runs, and waits for it; what does not go is killed."""
	children = []
	with contextlib.suppress(OSError), open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
		children = file.read().split()
	process.terminate()
	with contextlib.suppress(subprocess.TimeoutExpired):
		process.wait(GRACE)
	with contextlib.suppress(ProcessLookupError):
		os.killpg(process.pid, signal.SIGKILL)
	process.wait()
	# heaptrack's script does not remove its pipe when a signal ends it.
	for pid in children:
		with contextlib.suppress(OSError):
			os.unlink(f"/tmp/heaptrack_fifo{pid}")


def run(place, argv, env=None, accepted=(0,)):
	"""What ARGV took, in seconds and bytes, and the line that a workload prints of itself."""
	# By env, for timed itself shall have no library preloaded; and in all modes, so that it counts in all.
	argv = ["/usr/bin/env", *(f"{name}={value}" for name, value in (env or {}).items()), *argv]
	result = f"{place.scratch}/result"
	with open(f"{place.scratch}/errors", "w+b") as errors:
		process = subprocess.Popen([place.program("timed"), result, *argv], stdin=subprocess.DEVNULL,
		                           stdout=subprocess.PIPE, stderr=errors, env=clean_environment(),
		                           start_new_session=True)
		try:
			output, _ = process.communicate(timeout=TIMEOUT)
		except subprocess.TimeoutExpired:
			raise Trouble(f"did not end within {TIMEOUT} seconds: {' '.join(argv)}") from None
		finally:
			if process.poll() is None:
				end_group(process)
		errors.seek(0)
		said = errors.read()
	if process.returncode != 0:
		raise Trouble(f"timed failed for {' '.join(argv)}: {said[-500:].decode(errors='replace')}")
	with open(result, encoding="ascii") as file:
		wall, user, system, rss, status = map(int, file.read().split())
	if os.waitstatus_to_exitcode(status) not in accepted:
		raise Trouble(f"ended with {os.waitstatus_to_exitcode(status)}: {' '.join(argv)}\n"
		              f"{said[-2000:].decode(errors='replace')}")
	sample = {"wall": wall / 1e9, "user": user / 1e9, "system": system / 1e9, "rss": rss * 1024}
	for line in output.splitlines():
		if line.startswith(b"bench "):
			fields = dict(field.split(b"=") for field in line.split()[1:])
			sample.update({"inside": int(fields[b"ns"]) / 1e9, "operations": int(fields[b"operations"]),
			               "live": int(fields[b"live"])})
	return sample


# ---- what was written -------------------------------------------------------

def trace_bytes(place):
	return sum(os.path.getsize(path) for path in glob.glob(f"{glob.escape(place.trace)}*"))


def is_of_format(path, form):
	with open(path, "rb") as file:
		return re.search(rb"^# FORMAT %s *$" % form.encode("ascii"), file.read(65536), re.MULTILINE) is not None


def count_events(path):
	"""What FINI tells, the only line that has all calls in each format. It stands before the memory map, and behind a
	newline or a packed record."""
	with open(path, "rb") as file:
		file.seek(max(0, os.path.getsize(path) - (4 << 20)))
		found = re.findall(rb"\+ FINI \[\d+:\d+\](.*)\n", file.read())
	if not found:
		raise Trouble(f"{path}: no FINI")
	return sum(map(int, re.findall(rb"[=/](\d+)", found[-1])))


def run_mode(place, workload, mode, count=False):
	"""One sample; with COUNT, it tells the events of our trace. None: this mode can't be had."""
	argv = workload.shrunk if mode in SLOW else workload.stretched if mode in FAST else workload.argv
	command, env = MODES[mode](place, workload, argv)
	try:
		sample = run(place, command, {**workload.env, **env})
		if mode not in ("untraced", "off", "memusage"):
			sample["bytes"] = trace_bytes(place)
		if mode in OURS and not is_of_format(place.trace, mode):
			return None
		if mode in OURS and count:
			sample["events"] = count_events(place.trace)
	finally:
		place.clean()
	return sample


def idle(mode):
	"""Under what name the samples of idle runs in MODE are kept."""
	return f"{mode}, idle"


def again(mode):
	"""Under what name a round's further runs in MODE are kept."""
	return f"{mode}, again"


def run_idle(place, workload, mode):
	"""The workload's program without its work: what its start and its end cost."""
	command, env = MODES[mode](place, workload, workload.idle)
	try:
		sample = run(place, command, {**workload.env, **env})
		if mode in OURS:
			sample["events"] = count_events(place.trace)
	finally:
		place.clean()
	return sample


def run_rawwrite(place, size):
	try:
		return run(place, [place.program("rawwrite"), place.trace, str(size)])
	finally:
		place.clean()
