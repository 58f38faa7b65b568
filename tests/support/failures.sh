#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# failures.sh SCRATCH: what the failed tests of `make check` said (failures.h), in less than 20 lines.
scratch=$1
most=6

echo
echo "What failed, on $(nproc) processors with a load of $(cut -d' ' -f1-3 /proc/loadavg):"
head -n $most "$scratch/failures" 2>/dev/null
count=$(wc -l 2>/dev/null <"$scratch/failures")
[ "${count:-0}" -gt $most ] && echo "... and $((count - most)) more"

echo "The last commands of these tests:"
for file in "$scratch"/*/.last-command; do
	[ -f "$file" ] && echo "$(basename "$(dirname "$file")"): $(cat "$file")"
done | head -n $most
