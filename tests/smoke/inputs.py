# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs of the smoke test work on: made anew, the same each time."""

import os
import random
import shutil

SMALL_C = """#include <stdio.h>
#include <stdlib.h>
struct node { struct node *next; int value; };
struct node *add(struct node *list, int value)
{
	struct node *node = malloc(sizeof *node);
	if (!node) abort();
	node->next = list, node->value = value;
	return node;
}
int main(void)
{
	struct node *list = NULL;
	long sum = 0;
	for (int i = 0; i < 100; i++) list = add(list, i * i);
	for (; list; list = list->next) sum += list->value;
	printf("%ld\\n", sum);
	return 0;
}
"""

SMALL_CC = """#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<int>> index(const std::vector<std::string> &words)
{
	std::map<std::string, std::vector<int>> found;
	for (unsigned i = 0; i < words.size(); i++) found[words[i]].push_back(int(i));
	return found;
}
"""

SCRIPT_SH = """set -e
sum() { total=0; for i in $1; do total=$((total + i)); done; echo "$total"; }
list=; i=0
while [ $i -lt 600 ]; do list="$list $i"; i=$((i + 1)); done
sum "$list"
for i in 1 2 3 4 5 6 7 8; do ( echo "child $i"; exit "$i" ) || echo "status $?"; done
printf '%s\\n' c a b | sort | tr a-z A-Z
case $list in *599*) exit 3 ;; esac
"""

PROGRAM_PL = """use strict; my %n;
open(my $f, '<', 'in/words') or die; while (<$f>) { $n{$_}++ for split } close $f;
printf "%d %s\\n", $n{$_}, $_ for (sort keys %n)[0 .. 50];
print scalar(map { sprintf '%x', $_ * $_ } 1 .. 20000), "\\n"; print `echo child`; exit 4;
"""

THREADS_PL = """use strict; use threads; use threads::shared; my $sum :shared = 0;
my @t = map { my $n = $_; threads->create(sub { my @l = map { $_ x 3 } 1 .. 3000; lock $sum; $sum += @l * $n }) } 1 .. 4;
$_->join for @t; print "$sum\\n";
"""

PROGRAM_PY = """import collections, json, re, sys
words = collections.Counter(re.findall(r'[a-z]+', open('in/words').read()))
print(sorted(words.items())[:20])
items = json.load(open('in/items.json'))['items']
print(len({str(item): [item] * 10 for item in items}))
class Node:
    def __init__(self, next): self.next = next
node = None
for _ in range(50000): node = Node(node)
while node: node = node.next
sys.exit(5)
"""

THREADS_PY = """import subprocess, threading
results = {}
def work(n):
    results[n] = (sum(len(str(i)) for i in range(20000)),
                  subprocess.run(['sh', '-c', f'echo {n}; exit {n}'], capture_output=True).stdout)
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(results.items()))
"""

JOBS_BASH = """set -u; trap 'echo trapped' USR1
diff <(sort in/words | sed -n 1,20p) <(sort -r in/words | tail -n 20 | tac) && echo same
coproc rot { tr a-e b-f; }; echo abcde >&"${rot[1]}"; eval "exec ${rot[1]}>&-"; read -r line <&"${rot[0]}"; echo "$line"
for i in 1 2 3 4 5 6; do ( for j in {1..200}; do s[j]=$i$j; done; echo "job $i ${#s[@]}" >"out.$i"; exit "$i" ) & p[i]=$!; done
for i in 1 2 3 4 5 6; do wait "${p[i]}"; echo "status $?"; cat "out.$i"; done
mapfile -t a < <(printf '%s\\n' {1..300}); echo "${#a[@]} $(printf '%s\\n' "${a[@]}" | (t=0; while read -r n; do : $((t += n)); done; echo "$t"))"
( trap 'echo own' USR1; kill -USR1 $BASHPID; ( exec ls in/tree ) ); sh -c 'kill -USR1 $PPID'; echo done
"""

FORKS_PL = """use strict; my %own = map { $_ => 'x' x $_ } 1 .. 500; $| = 1;
for my $n (1 .. 8) { my $pid = fork // die; next if $pid;
  delete $own{$_} for 1 .. 50 * $n; $own{"n$_"} = [1 .. $_] for 1 .. 20 * $n;
  if ($n % 2) { my $grandchild = fork // die; if (!$grandchild) { undef %own; print "grandchild $n\\n"; exit } waitpid $grandchild, 0 }
  print "$n ", scalar(keys %own), "\\n"; exec 'echo', "exec $n" if $n == 4; exit $n }
my $sum = 0; while (wait != -1) { $sum += $? >> 8 } print "sum $sum ", scalar(keys %own), "\\n"; open my $p, '-|', 'sort in/words | sed -n 1,3p' or die;
print while <$p>; close $p;
"""

PROCESSES_PY = """import concurrent.futures, multiprocessing, os, sys, threading
def work(n): return sum(len(str([i] * (i % 7))) for i in range(n * 500))
def serve(q, out):
    for n in iter(q.get, None): out.put((n, work(n)))
if __name__ == '__main__':
    for method in 'fork', 'spawn', 'forkserver':
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool: print(method, list(pool.map(work, range(9))))
        q, out = context.Queue(), context.Queue()
        processes = [context.Process(target=serve, args=(q, out)) for _ in range(3)]
        for p in processes: p.start()
        for n in range(12): q.put(n)
        for p in processes: q.put(None)
        print(sorted(out.get() for n in range(12)))
        for p in processes: p.join()
        print([p.exitcode for p in processes], flush=True)
    over, t = threading.Event(), []
    def churn():
        while not over.is_set(): [str(i) for i in range(500)]
    for _ in range(3): t.append(threading.Thread(target=churn)); t[-1].start()
    for n in range(20):
        pid = os.fork()
        if not pid: os._exit(len([str(i) for i in range(2000)]) % 7 + n)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    over.set()
    for thread in t: thread.join()
"""

FORKS_RB = """own = (1..3000).map { |i| 'x' * (i % 60) }
6.times.map { |n| fork { own.select!.with_index { |_, i| i % (n + 2) == 0 }; GC.start; STDOUT.sync = true; exit n } }
  .each { |pid| Process.wait pid; puts $?.exitstatus }
puts IO.popen(%w[sort in/words]).readlines.first(2), `echo child; exit 3`, $?.exitstatus, own.size
IO.popen('-') { |io| if io then puts io.read else puts "popen #{own.size}" end }
"""

WORKERS_JS = """const { Worker, isMainThread, parentPort, workerData } = require('worker_threads'), cp = require('child_process');
if (process.argv[2]) { process.send(process.argv[2] * 2); process.disconnect(); }
else if (!isMainThread) { const m = new Map(); for (let i = 0; i < 20000; i++) m.set('k' + i % 999, [i]); parentPort.postMessage([workerData, m.size]); }
else { const results = []; let left = 6; const got = r => { results.push(String(r)); if (!--left) console.log(results.sort()); };
  for (let i = 0; i < 4; i++) new Worker(__filename, { workerData: i }).on('message', got);
  for (let i = 0; i < 2; i++) cp.fork(__filename, [7 + i]).on('message', got); }
"""

PROGRAM_MK = """all: program
o := a.o b.o c.o d.o
$(o): ; @gcc -O1 -pipe $(if $(filter a.o,$@),,-Dmain=main_$* -Dadd=add_$*) -c in/small.c -o $@
index.o: in/small.cc; @g++ -O1 -c $< -o $@
program: $(o) index.o; @g++ -o $@ $^
"""

PROGRAM_RB = """words = Hash.new(0); File.foreach('in/words') { |l| l.split.each { |w| words[w] += 1 } }
p words.sort.first(20); p (1..20000).map { |i| i.to_s(2) }.max
4.times.map { |n| Thread.new { (1..3000).map { |i| 'x' * (i % 50) }.size * n } }.each { |t| p t.value }
puts `echo child`; exit 6
"""

PROGRAM_LUA = """local n = {} for line in io.lines('in/words') do for w in line:gmatch('%a+') do n[w] = (n[w] or 0) + 1 end end
local keys = {} for w in pairs(n) do keys[#keys + 1] = w end table.sort(keys)
for i = 1, 20 do print(keys[i], n[keys[i]]) end
local t = {} for i = 1, 50000 do t[i] = {i} end print(#t)
print(pcall(function() error('thrown') end)) os.exit(7, true)
"""

PROGRAM_PHP = """<?php $n = []; foreach (file('in/words') as $l) foreach (explode(' ', trim($l)) as $w) $n[$w] = ($n[$w] ?? 0) + 1;
ksort($n); print_r(array_slice($n, 0, 20)); echo count(array_map(fn($i) => str_repeat('x', $i % 90), range(1, 20000))), "\\n"; exit(8);
"""

PROGRAM_TCL = """set f [open in/words]; set n [dict create]
while {[gets $f line] >= 0} { foreach w [split $line] { dict incr n $w } }
foreach w [lrange [lsort [dict keys $n]] 0 20] { puts "$w [dict get $n $w]" }
puts [exec echo child]; exit 9
"""

PROGRAM_SCM = """(define (make n) (if (= n 0) '() (cons (number->string n) (make (- n 1)))))
(display (string-length (apply string-append (make 3000)))) (newline)
(catch 'boom (lambda () (throw 'boom)) (lambda (key . rest) (display key) (newline)))
(exit 10)
"""

PROGRAM_JS = """const fs = require('fs'), cp = require('child_process');
const n = new Map(); for (const w of fs.readFileSync('in/words', 'utf8').split(/\\s+/)) n.set(w, (n.get(w) || 0) + 1);
console.log([...n].sort().slice(0, 20)); console.log(Array.from({length: 5000}, (_, i) => ({i})).length);
console.log(cp.execSync('echo child').toString()); console.log(Buffer.alloc(1 << 20, 'x').toString().length);
require('zlib').gzip(fs.readFileSync('in/data'), (e, b) => { console.log(b.length > 0); process.exit(11); });
"""

PROGRAM_M4 = """define(`count', `ifelse($1, 0, `', `$1 count(decr($1))')')count(200)
define(`twice', `$1$1')len(twice(twice(twice(twice(twice(twice(twice(twice(twice(twice(abc)))))))))))
"""

SCRIPT_SQL = """create table t(id integer primary key, word text, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000) insert into t select i, printf('w%05x', i * 7919 % 65536), i / 3.0 from c;
create index w on t(word); select count(*), sum(n), max(word) from t where word like 'w0%';
select word from t order by word desc limit 10; delete from t where id % 3 = 0; vacuum; select count(*) from t; select no_such_column from t;
"""

GRAMMAR_Y = """%token NUMBER
%left '+' '-'
%left '*' '/'
%%
list: | list expression '\\n' ;
expression: NUMBER | expression '+' expression | expression '-' expression | expression '*' expression
          | expression '/' expression | '(' expression ')' ;
%%
"""

LEXER_L = """%%
[a-z]+   return 1;
[0-9]+   return 2;
\\"[^\\"]*\\" return 3;
[ \\t\\n]+ ;
%%
"""

RULES_MK = """all: a b c d
a b c d: ; @sh -c 'echo $@ $(words $(wildcard in/tree/src/*))'
"""

PAGE_1 = """.TH PAGE 1
.SH NAME
page \\- a page
.SH DESCRIPTION
""" + "".join(f".TP\n.B \\-{letter}\nThe option {letter} does what it says.\n" for letter in "abcdefghijklmnop")

PAGE_PS = """%!
/Times-Roman findfont 20 scalefont setfont
0 1 20 { dup 30 mul 100 exch moveto (line) show 20 string cvs show } for
newpath 300 400 100 0 360 arc stroke showpage
"""

REDIS_CONF = "port 0\nunixsocket s\nsave \"\"\nappendonly no\nio-threads 2\n"

NGINX_CONF = """daemon off; master_process off; pid pid; error_log err;
events { worker_connections 64; }
http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path g;
	server { listen unix:s; root in; } }
"""

MEMCACHED_PY = """import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile('rwb')
for i in range(500):
    f.write(b'set k%d 0 0 %d\\r\\n%s\\r\\n' % (i, i, b'x' * i)); f.flush(); assert f.readline() == b'STORED\\r\\n'
for i in range(500):
    f.write(b'get k%d\\r\\n' % i); f.flush(); f.readline(); assert f.readline() == b'x' * i + b'\\r\\n'; f.readline()
print('500 of 500')
"""

TEXTS = {
	"small.c": SMALL_C, "small.cc": SMALL_CC, "script.sh": SCRIPT_SH, "program.pl": PROGRAM_PL, "threads.pl": THREADS_PL,
	"program.py": PROGRAM_PY, "threads.py": THREADS_PY, "program.rb": PROGRAM_RB, "jobs.bash": JOBS_BASH, "forks.pl": FORKS_PL,
	"processes.py": PROCESSES_PY, "forks.rb": FORKS_RB, "workers.js": WORKERS_JS, "program.mk": PROGRAM_MK, "program.lua": PROGRAM_LUA,
	"program.php": PROGRAM_PHP, "program.tcl": PROGRAM_TCL, "program.scm": PROGRAM_SCM, "program.js": PROGRAM_JS,
	"program.m4": PROGRAM_M4, "script.sql": SCRIPT_SQL, "grammar.y": GRAMMAR_Y, "lexer.l": LEXER_L, "rules.mk": RULES_MK,
	"page.1": PAGE_1, "page.ps": PAGE_PS, "redis.conf": REDIS_CONF, "nginx.conf": NGINX_CONF, "memcached.py": MEMCACHED_PY,
}


def make(directory, source):
	"""Fills DIRECTORY, which has to be empty; SOURCE is this project's src/, a tree of files like others."""
	numbers = random.Random(1)
	lines = [" ".join("".join(numbers.choices("abcde", k=numbers.randint(1, 4))) for _ in range(6)) for _ in range(4000)]
	items = [{"id": i, "name": f"n{i * 7919 % 1000}", "tags": ["t"] * (i % 5)} for i in range(2000)]
	texts = dict(TEXTS)
	texts["words"] = "\n".join(lines) + "\n"
	texts["sorted"] = "\n".join(sorted(lines)) + "\n"
	texts["items.json"] = str({"items": items}).replace("'", '"')
	texts["items.xml"] = "<list>" + "".join(f'<item id="{item["id"]}"><name>{item["name"]}</name></item>' for item in items) + "</list>"
	texts["graph.dot"] = "digraph {" + "".join(f"n{i} -> n{i * 7 % 40};" for i in range(40)) + "}"
	for name, text in texts.items():
		with open(os.path.join(directory, name), "w", encoding="ascii") as file:
			file.write(text)
	with open(os.path.join(directory, "data"), "wb") as file:
		file.write(b"".join(bytes([numbers.randrange(64)]) * numbers.randint(1, 9) for _ in range(200000)))
	tree = os.path.join(directory, "tree", "src")
	os.makedirs(tree)
	for folder, _, names in sorted(os.walk(source)):
		for name in sorted(names):
			shutil.copyfile(os.path.join(folder, name), os.path.join(tree, name))
	for root, _, names in os.walk(directory):
		for name in names:
			os.utime(os.path.join(root, name), (1e9, 1e9))
