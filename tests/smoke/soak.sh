#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Traces tests/programs/soak twice at once: once all the time, so that order and
# sums can be judged, and once with tracing switched on and off. "make soak" calls
# this with the build directory and the seconds to run for.
set -eu

if [ $# -ne 2 ]; then
	echo "usage: $0 BUILD_DIR SECONDS" >&2
	exit 2
fi
build=$1
seconds=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/log-malloc2-soak.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

soak() {
	LOG_MALLOC_FORMAT=compact "$build/log-malloc" -q -o "$dir/$1.trace" "$build/tests/programs/soak" "$seconds" ${2:+"$2"} \
		>"$dir/$1.out" 2>"$dir/$1.err"
}

fail() {
	echo "soak: $1" >&2
	failed=1
}

soak whole &
whole=$!
soak toggled toggle &
toggled=$!
wait "$whole" || fail "the program that is always traced failed"
wait "$toggled" || fail "the program that switches tracing failed"
cat "$dir/whole.out" "$dir/toggled.out"
cat "$dir/whole.err" "$dir/toggled.err" >&2

"$build/tests/judge" "$dir/whole.trace" || fail "its trace does not hold"
"$build/tests/judge" -t "$dir/toggled.trace" || fail "its trace can't be read"
# What the tracker told the program at its end is what it wrote at its own.
for name in whole toggled; do
	told=$(sed -n 's/^bytes in use: \([0-9]*\),.*/\1/p' "$dir/$name.out")
	tail -n 500 "$dir/$name.trace" | grep -q "^+ FINI \[$told:" || fail "$name: FINI does not say $told bytes"
done
exit "$failed"
