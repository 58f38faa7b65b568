/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See inlined.h. */
#include "inlined.h"
#include "support.h"

#include <string.h>

#define LINK_STATIC "$(PKG_CONFIG_PATH=$B/pkgconfig pkg-config --static --cflags --libs log-malloc2-wrap)"

static const char inlined_cc[] =
	"#include <cstdlib>\n"
	"#include <vector>\n"
	"namespace deep {\n"
	"template <typename T> struct box {\n"
	"	T *take(int n) { return static_cast<T *>(std::calloc(n, sizeof(T))); }\n" /* line 5 */
	"};\n"
	"static inline __attribute__((always_inline)) int *inner(int n)\n"
	"{\n"
	"	box<int> b;\n"
	"	return b.take(n);\n" /* line 10 */
	"}\n"
	"__attribute__((noinline)) int *outer(int n)\n"
	"{\n"
	"	int *p = inner(n);\n" /* line 14 */
	"	p[0] = n;\n"
	"	return p;\n"
	"}\n"
	"}\n"
	"int main(int argc, char **)\n"
	"{\n"
	"	int *volatile lost = deep::outer(argc + 40);\n" /* line 21 */
	"	lost[1] = 1;\n"
	"	return 0;\n"
	"}\n";

void trace_inlined(const char *compiler, const char *flags, bool archive)
{
	write_file("inlined.cc", inlined_cc, strlen(inlined_cc));
	if (archive)
		must(run("%s -g -O2 %s -o inlined inlined.cc " LINK_STATIC " && LOG_MALLOC_OUTPUT=$PWD/t ./inlined",
		         compiler, flags));
	else
		must(run("%s -g -O2 %s -o inlined inlined.cc && "
		         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./inlined",
		         compiler, flags));
}

/* The frames of the largest leak in ./inlined itself, a line each: function without namespace, file without
 * directories, line, inlined.
 */
static const char frames_filter[] =
	"first(.leaks[] | select(.call == \"calloc\" and .bytes == 164)).backtrace[] | "
	"select(.module // \"\" | endswith(\"/inlined\")) |"
	" [(.function // \"\" | sub(\"\\\\(.*\"; \"\") | sub(\"^.*::\"; \"\")), (.file // \"\" | split(\"/\") |"
	" last), .line, .inlined, .offset] | @tsv";

static const char expected_frames[] = "take\tinlined.cc\t5\ttrue\n"
				      "inner\tinlined.cc\t10\ttrue\n"
				      "outer\tinlined.cc\t14\tfalse\n"
				      "main\tinlined.cc\t21\tfalse\n";

bool has_frames_with(const char *environment, const char *options)
{
	struct run r = run("%s $B/log-malloc-findleak --no-default-suppressions --format=json %s t >json; "
	                   "[ $? = 1 ] && jq -r '%s' json | cut -f 1-4 | tee frames",
	                   environment, options, frames_filter);

	must(r);
	return strncmp(r.out, expected_frames, strlen(expected_frames)) == 0;
}

bool has_frames(const char *options)
{
	return has_frames_with("", options);
}
