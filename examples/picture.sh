#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# picture.sh BUILD_DIR FILE.svg: draws what examples/leak-02 leaks. "make demo" has it made in the build directory,
# "make pictures" in docs/.
set -eu

if [ $# -ne 2 ]; then
	echo "usage: $0 BUILD_DIR FILE.svg" >&2
	exit 2
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/log-malloc2-picture.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

"$1/log-malloc" -q -o "$dir/trace" "$1/examples/leak-02" >/dev/null
# The number of the process is another one each time, and the picture has to be the same.
sed 's/^# PID .*/# PID 4711/' "$dir/trace" >"$dir/same.trace"
"$1/log-malloc-report" --by leaked --format svg -o "$2" "$dir/same.trace"
