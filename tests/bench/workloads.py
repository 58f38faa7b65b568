# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run: the loops, the large heap, and real programs with input that
is generated here, the same bytes each time. Nothing is measured here."""

import json
import random
import shutil
import sys

# heaptrack records at most this many frames; with it both sides keep the same stacks.
WHOLE_STACK = 64


class Workload:
	"""One program and its arguments.

	KIND is "loop" (it times its own steps), "heap" (so does it, and tells its live
	bytes), "real" (timed from outside) or "start" (what a process costs at all).
	SHRUNK is a shorter version for tools that are slower by orders of magnitude, STRETCHED
	a longer one for what costs next to nothing; only what times its own steps can have them.
	IDLE is a real program with nothing to do.
	"""

	def __init__(self, name, kind, argv, about, shrunk=None, stretched=None, depth=WHOLE_STACK, env=None,
	             rounds=None, reader=None, idle=None):
		self.name, self.kind, self.argv, self.about = name, kind, argv, about
		self.shrunk, self.stretched, self.depth, self.env = shrunk or argv, stretched or argv, depth, env or {}
		# At most so many rounds; None: as many as there are.
		self.rounds = rounds
		# What is run for the traces that the readers are given, if they are.
		self.reader = reader
		self.idle = idle

	@property
	def timed_inside(self):
		return self.kind in ("loop", "heap")


def write(path, text):
	with open(path, "w", encoding="ascii") as file:
		file.write(text)
	return path


def sql(path, rows):
	"""Statements of their own, so that each is parsed, planned and run."""
	dice = random.Random(1)
	lines = [
		"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, size REAL, kind INTEGER);",
		"CREATE INDEX t_name ON t(name);",
		"CREATE TABLE u(t INTEGER, note TEXT);",
		"BEGIN;",
	]
	for i in range(rows):
		lines.append(f"INSERT INTO t VALUES({i}, 'name-{dice.randrange(rows)}-{'x' * dice.randrange(100)}',"
		             f" {dice.random():.6f}, {dice.randrange(20)});")
		if i % 4 == 0:
			lines.append(f"INSERT INTO u SELECT id, upper(name) || '-' || printf('%08d', id) FROM t WHERE id = {i};")
		if i % 10 == 0:
			lines.append(f"SELECT t.name, u.note FROM t JOIN u ON u.t = t.id WHERE t.id BETWEEN {i - 5} AND {i};")
		if i % 1000 == 999:
			lines.append("SELECT kind, count(*), avg(size), group_concat(substr(name, 1, 8)) FROM t GROUP BY kind;")
	lines += ["COMMIT;", "SELECT count(DISTINCT note) FROM u;"]
	return write(path, "\n".join(lines) + "\n")


def documents(path, count):
	dice = random.Random(2)
	return write(path, json.dumps([{
		"id": i,
		"name": f"document number {dice.randrange(count)} of the collection",
		"tags": [f"tag-{dice.randrange(50)}" for _ in range(dice.randrange(1, 6))],
		"size": {"width": dice.random(), "height": dice.random()},
	} for i in range(count)]))


PYTHON = """\
import sys

class Node:
    def __init__(self, key, parent):
        self.key, self.parent, self.children = key, parent, []

def grow(count):
    nodes = [Node("root", None)]
    for i in range(1, count):
        parent = nodes[(i * 7919) % len(nodes)]
        nodes.append(Node(f"{parent.key[-20:]}/{i}", parent))
        parent.children.append(nodes[-1])
    return nodes

def depth(node):
    return 0 if node.parent is None else 1 + depth(node.parent)

def count_words(nodes):
    words = {}
    for node in nodes:
        for word in node.key.split("/"):
            words[word] = words.get(word, 0) + 1
    return sorted(words.items(), key=lambda item: (-item[1], item[0]))

nodes = grow(int(sys.argv[1]))
print(max(depth(node) for node in nodes), count_words(nodes)[:3], sum(float(len(node.key)) for node in nodes))
"""

PERL = """\
use strict;
my ($count, %seen, @kept) = ($ARGV[0]);
for my $i (1 .. $count) {
	my $key = join '-', map { ($i * $_) % 977 } 1 .. 3;
	push @{$seen{$key}}, { number => $i, text => "text of $i" };
	if ($i % 5 == 0) {
		my @parts = split /-/, $key;
		push @kept, { map { $_ => uc "part $_" } @parts };
	}
	%seen = () if $i % 20000 == 0;
	shift @kept if @kept > 500;
}
print scalar(keys %seen), ' ', scalar(@kept), "\\n";
"""


def system_python():
	"""The distribution's rather than a wrapper that somebody has put in front of it."""
	return shutil.which("python3", path="/usr/bin:/bin") or sys.executable


def all_workloads(bench, scratch, quick):
	"""BENCH: where the programs are. SCRATCH: where input can be generated."""
	size = (lambda full, short: str(short if quick else full))
	loop, steps, slow, fast = f"{bench}/loop", size(1000000, 200000), size(100000, 10000), "60000000"

	def looping(name, about, *options, **more):
		return Workload(name, "loop", [loop, "-n", steps, *options], about, [loop, "-n", slow, *options],
		                [loop, "-n", fast, *options], **more)

	found = [
		Workload("start", "start", ["/bin/true"], "a process that does nothing"),
		looping("loop-1", "malloc/free, window of 1000, depth 12, 1 thread",
		        # Few sizes: heaptrack_interpret 1.4 ends with bad_alloc at 22,000 distinct pairs of a size and a stack.
		        reader=[loop, "-n", size(2000000, 300000), "-S", "23"]),
		looping("loop-2", "the same, 2 threads", "-t", "2"),
		looping("loop-4", "the same, 4 threads", "-t", "4"),
		looping("loop-same", "1 thread, one stack for all steps", "-l", "0"),
		looping("loop-7", "1 thread, stacks of 7 frames", "-d", "2", depth=7),
		looping("realloc", "growth by half up to 4096 bytes", "-g", "4096"),
		Workload("heap", "heap", [f"{bench}/heap", size(10000000, 500000), "16", "112"], "10 million live blocks"
		         if not quick else "500 thousand live blocks", [f"{bench}/heap", size(500000, 50000), "16", "112"], rounds=2),
		Workload("strings", "real", [f"{bench}/strings", size(25000, 4000)], "C++, std::string and std::map",
		         reader=[f"{bench}/strings", size(40000, 6000)], idle=[f"{bench}/strings", "1"]),
	]
	for program, argv, idle, env, about in (
		("sqlite3", lambda: ["-batch", ":memory:", ".read " + sql(f"{scratch}/in.sql", int(size(10000, 2000)))],
		 ["-batch", ":memory:", ".quit"], {}, "generated SQL, in memory"),
		("python3", lambda: [write(f"{scratch}/in.py", PYTHON), size(60000, 10000)], ["-c", ""], {"PYTHONMALLOC": "malloc"},
		 "objects, strings, dicts; PYTHONMALLOC=malloc"),
		("jq", lambda: ["[.[] | {id, tags: (.tags | sort), area: (.size.width * .size.height)}]"
		                " | group_by(.tags[0]) | map({tag: .[0].tags[0], n: length, area: (map(.area) | add)})",
		                documents(f"{scratch}/in.json", int(size(45000, 6000)))], ["-n", "0"], {}, "generated JSON"),
		("perl", lambda: [write(f"{scratch}/in.pl", PERL), size(150000, 25000)], ["-e", "0"], {}, "hashes, lists, strings"),
	):
		path = system_python() if program == "python3" else shutil.which(program)
		if path:
			found.append(Workload(program, "real", [path, *argv()], about, env=env, idle=[path, *idle]))
		else:
			print(f"bench: no {program} here, left out: run make deps-bench", file=sys.stderr)
	return found
