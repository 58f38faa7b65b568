#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# outside.sh BUILD: looks into processes from outside, attaches to them, and prints what came out of it. That is the same
# on every machine, so tests/matrix/booted.py compares it. Runs in a directory of its own, also under busybox. Ends with
# status 1 at the first step that goes wrong, after a line that says so.
set -u
build=$1
programs=$build/tests/programs
pid=

fail() {
	echo "$1 went wrong"
	tail -n 4 out messages 2>/dev/null
	[ -z "$pid" ] || kill -KILL "$pid"
	exit 1
}

# start COMMAND...: in the background, as $pid, until it says that it is ready.
start() {
	: >out
	"$@" </dev/null >out 2>&1 &
	pid=$!
	wait_until "$1" grep -q ready out
}

wait_until() {
	what=$1
	shift
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || fail "$what"
		sleep 0.05
	done
}

end() {
	kill -"$1" "$pid"
	wait "$pid" 2>/dev/null
	status=$?
	pid=
}

lost='definitely lost\|indirectly lost\|possibly lost'
kinds="$lost\|still reachable"

# say NAME: what findleak found, how much is lost, and the frames of the leaks in files of the program.
say() {
	sed -n "s/^ *\($kinds\): /$1: \1: /p" report
	sed -n 's/^ *\([a-z_]*\) *tests\/programs\/\([^ ]*\).*/\1 \2/p' report | sort | uniq -c | while read -r count frame; do
		echo "$1: $count frames of leaks in $frame"
	done
}

# findleak ARGUMENTS...: writes the file "report". Leaks are no trouble.
findleak() {
	"$build/log-malloc-findleak" "$@" >report 2>messages
	[ $? -le 1 ]
}

# look NAME COMMAND...: at a traced program that stays as it is.
look() {
	name=$1
	shift
	rm -f trace*
	start env STAY=1 LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace "$@"
	findleak --lost trace || fail "findleak --lost of $name"
	end KILL
	say "$name"
}

# look_at_end NAME COMMAND...: when it has ended.
look_at_end() {
	name="$1, $3 at its end"
	shift
	rm -f trace*
	"$build/log-malloc" --lost -o trace "$@" >out 2>messages
	echo "$name: status $?"
	sed -n "s/^.*\(definitely lost: .*possibly: .*bytes\); .*/$name: \1/p" messages
	findleak trace || fail "findleak of $name"
	say "$name"
}

attach() {
	"$build/log-malloc" "$@" 2>messages || fail "log-malloc $*"
}

preloaded="env LD_PRELOAD=$build/liblog-malloc2.so"
for program in lost_cases lost_neighbours lost_circles lost_threads lost_nothing; do
	# shellcheck disable=SC2086 # two words
	look "$program, preloaded" $preloaded "$programs/$program"
	look "$program, static" "$programs/$program.static"
done

# shellcheck disable=SC2086 # two words
look "lost_leader, preloaded" $preloaded "$programs/lost_leader"
# Where it is static, libc loads a library when a thread ends, and has blocks of other sizes for that.
kinds=$lost
look "lost_leader, static" "$programs/lost_leader.static"
kinds="$lost\|still reachable"

for how in return exit threads kill abort; do
	look_at_end ending "$programs/ending" $how
	look_at_end "ending, static" "$programs/ending.static" $how
done

# Blocks from before the tracker came are there, and released memory that points to new ones.
rm -f trace* go
STAY=1 "$programs/lost_before" >out 2>&1 </dev/null &
pid=$!
sleep 0.3
attach -q -p $pid -o trace
touch go
wait_until lost_before grep -q ready out
findleak --lost trace || fail "findleak --lost of a process that was attached to"
end KILL
say "lost_before, attached"

# This one looks at its own data, while threads of it allocate and wait in system calls.
start "$programs/attach_crew"
for time in 1 2 3 4 5 6 7 8 9 10; do
	rm -f trace*
	attach -q --full -p $pid -o trace
	sleep 0.1
	attach -q -p $pid --detach
	[ ! -e trace.journal ] || fail "removing the journal"
	grep -q '^# FLAVOUR attached' trace || fail "the head of the trace"
	grep -q '^# DETACHED' trace || fail "the end of the trace"
	for call in malloc calloc free; do
		grep -q "^[+-] $call " trace || fail "tracing $call"
	done
	findleak trace || fail "findleak of the trace"
	echo "attach_crew: attached and detached, $time"
done
end TERM
echo "attach_crew: $(grep -v ready out), status $status"

# A thread that stays in the allocator: nothing may be loaded.
rm -f trace*
start "$programs/attach_inside"
"$build/log-malloc" -p "$pid" -o trace 2>messages
echo "attach_inside: status $?, $(grep -c 'no moment without a thread inside the allocator' messages) refusal"
end KILL

# All ways that lead to the allocator. It answers each line of its input.
rm -f in trace* again
mkfifo in
"$programs/attach_later" "$build/tests/later.so" <in >out 2>&1 &
pid=$!
exec 7>in
wait_until attach_later grep -q ready out
for trace in trace again; do
	attach -q --full -p $pid -o $trace
	before=$(grep -c 'done' out)
	echo >&7
	wait_until attach_later eval "[ \$(grep -c 'done' out) -gt $before ]"
	attach -q -p $pid --detach
	for size in 1001 1002 1003 1004 1005 1006; do
		echo "attach_later, $trace: $(grep -c "^+ malloc $size " $trace) of $size"
	done
done
exec 7>&-
wait $pid
status=$?
pid=
echo "attach_later: status $status"
