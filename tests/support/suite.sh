#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# suite.sh DIRECTORY SUITE: runs one suite of `make check`, and prints what it said when it has ended: other suites may
# run at the same time. DIRECTORY/scratch gets what failed.
directory=$1
suite=$2
scratch=$directory/scratch
output=$scratch/$suite.output

"$directory/$suite" >"$output" 2>&1
status=$?
cat "$output"
rm -f "$output"
[ $status -eq 0 ] && exit 0
echo "$suite" >>"$scratch/failed"
[ $status -eq 1 ] || echo "$suite: ended with status $status" >>"$scratch/failures"
exit 0
