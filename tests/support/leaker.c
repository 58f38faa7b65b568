/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See leaker.h. */
#include "leaker.h"
#include "support.h"

#include <string.h>

/* Loses everything that it allocates in work(), and overwrites what is left of the pointers. */
static const char leaker_c[] = "#include <stdlib.h>\n"
			       "#include <string.h>\n"
			       "struct node { struct node *next; char rest[40]; };\n"
			       "static __attribute__((noinline)) void *make(size_t n)\n"
			       "{\n"
			       "	return malloc(n);\n"
			       "}\n"
			       "static __attribute__((noinline)) struct node *chain(int n)\n"
			       "{\n"
			       "	struct node *node = NULL;\n"
			       "	while (n--) {\n"
			       "		struct node *more = calloc(1, sizeof *more);\n" /* line 12 */
			       "		more->next = node;\n"
			       "		node = more;\n"
			       "	}\n"
			       "	return node;\n"
			       "}\n"
			       "static __attribute__((noinline)) void work(void)\n"
			       "{\n"
			       "	void *volatile p;\n"
			       "	for (volatile int i = 0; i < 3; i++)\n"
			       "		p = make(100);\n"
			       "	free(make(7));\n"
			       "	p = strdup(\"eleven and NUL\");\n"
			       "	p = chain(5);\n"
			       "	p = malloc(50);\n"
			       "	p = realloc(p, 5000);\n"
			       "	p = aligned_alloc(64, 128);\n"
			       "}\n"
			       "static __attribute__((noinline)) void forget(void)\n"
			       "{\n"
			       "	volatile char stack[4096];\n"
			       "	memset((char *)stack, 0, sizeof stack);\n"
			       "}\n"
			       "int main(void)\n"
			       "{\n"
			       "	work();\n"
			       "	forget();\n"
			       "	return 0;\n"
			       "}\n";

static const char leaker_cc[] = "#include <cstring>\n"
				"#include <map>\n"
				"#include <stdexcept>\n"
				"#include <string>\n"
				"#include <vector>\n"
				"struct shape { virtual ~shape() {} std::vector<int> points; };\n"
				"struct circle : shape { circle() { points.resize(100); } };\n"
				"namespace work {\n"
				"__attribute__((noinline)) void draw()\n"
				"{\n"
				"	shape *volatile lost = new circle;\n"
				"	std::string *volatile text = new std::string(200, 'x');\n"
				"	int *volatile numbers = new int[1000];\n"
				"	std::map<int, std::string> kept;\n"
				"	kept[1] = std::string(300, 'y');\n"
				"	try { throw std::runtime_error(\"caught\"); } catch (...) { }\n"
				"	(void)lost; (void)text; (void)numbers;\n"
				"}\n"
				"}\n"
				"__attribute__((noinline)) void forget()\n"
				"{\n"
				"	volatile char stack[4096];\n"
				"	std::memset((char *)stack, 0, sizeof stack);\n"
				"}\n"
				"int main()\n"
				"{\n"
				"	work::draw();\n"
				"	forget();\n"
				"}\n";

void leaker_trace_c(const char *flags)
{
	write_file("leaker.c", leaker_c, strlen(leaker_c));
	must(run("${CC:-cc} -g -O1 -fno-builtin %s -o leaker leaker.c &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./leaker",
	         flags));
}

void leaker_trace_cxx(void)
{
	write_file("leaker.cc", leaker_cc, strlen(leaker_cc));
	must(run("${CXX:-c++} -g -O1 -o leaker leaker.cc &&"
	         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./leaker"));
}

char *leaker_ask(const char *options, const char *filter)
{
	struct run r = run("$B/log-malloc-findleak --format=json %s t >json; [ $? -le 1 ] && jq -r '%s' json", options,
	                   filter);

	must(r);
	if (r.out_len)
		r.out[r.out_len - 1] = '\0';
	return r.out;
}
