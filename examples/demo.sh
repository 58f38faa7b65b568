#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Traces examples/leak-01 in both ways, preloaded and linked in, and shows the
# report of each. Called by "make demo" with the build directory.
set -eu

if [ $# -ne 1 ]; then
	echo "usage: $0 BUILD_DIR" >&2
	exit 2
fi
build=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/log-malloc2-demo.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# Prints the report of a trace; log-malloc-findleak ends with 1 if it found leaks.
report() {
	status=0
	"$build/log-malloc-findleak" "$1" || status=$?
	if [ "$status" -ne 1 ]; then
		echo "demo: no leak was reported for $2" >&2
		exit 1
	fi
}

echo "== leak-01, a dynamic program: log-malloc preloads the library."
"$build/log-malloc" -q -o "$dir/preload.trace" "$build/examples/leak-01"
report "$dir/preload.trace" "the preloaded library"

echo
echo "== leak-01.static, linked with the tracker: it traces itself."
# bash and others take 1022>FILE instead; to a plain sh, 1022 is no descriptor.
LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT="$dir/static.trace" "$build/examples/leak-01.static"
report "$dir/static.trace" "the static program"
