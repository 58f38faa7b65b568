#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# suite.sh DIRECTORY SUITE: runs one suite of `make check`, and prints what it said when it has ended: other suites may
# run at the same time. DIRECTORY/scratch gets what failed.
directory=$1
suite=$2
scratch=$directory/scratch
output=$scratch/$suite.output

# A test that hangs is to end. One that others hinder is not.
: "${CK_TIMEOUT_MULTIPLIER:=3}"
export CK_TIMEOUT_MULTIPLIER

began=$(date +%s)
"$directory/$suite" >"$output" 2>&1
status=$?
cat "$output"
# The processor time of a suite tells its cost on a machine that others use, too.
times >"$output"
echo "$suite took $(($(date +%s) - began)) s, processor time user and system: $(tail -n 1 "$output")"
rm -f "$output"
[ $status -eq 0 ] && exit 0
echo "$suite" >>"$scratch/failed"
[ $status -eq 1 ] || echo "$suite: ended with status $status" >>"$scratch/failures"
exit 0
