/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See linked.h. */
#include "linked.h"

#include <stdio.h>
#include <string.h>

#include "support.h"

char built[PATH_MAX];

/* Nothing of the family is called by name. */
static const char strdup_c[] = "#include <string.h>\n"
			       "char *kept;\n"
			       "int main(void)\n"
			       "{\n"
			       "	kept = strdup(\"forty-two letters, and the NUL behind them\");\n"
			       "	return !kept || kept[41] != 'm';\n"
			       "}\n";

static const char aligned_c[] = "#include <stdlib.h>\n"
				"#include <stdint.h>\n"
				"int main(void)\n"
				"{\n"
				"	void *p = NULL;\n"
				"	if (posix_memalign(&p, 256, 777) != 0 || (uintptr_t)p % 256)\n"
				"		return 1;\n"
				"	free(p);\n"
				"	return 0;\n"
				"}\n";

static const char exception_cc[] = "#include <stdexcept>\n"
				   "#include <string>\n"
				   "#include <vector>\n"
				   "int main(int argc, char **argv)\n"
				   "{\n"
				   "	std::vector<std::string> v;\n"
				   "	for (int i = 0; i < 100; i++)\n"
				   "		v.push_back(std::string(5000, 'x') + argv[0]);\n"
				   "	try {\n"
				   "		if (argc)\n"
				   "			throw std::runtime_error(v[3]);\n"
				   "	} catch (const std::exception &e) {\n"
				   "		return v[3] == e.what() && v[99].size() > 5000 ? 0 : 1;\n"
				   "	}\n"
				   "	return 2;\n"
				   "}\n";
/* std::string's, with its NUL. */

static const char lto_c[] = "#include <stdlib.h>\n"
			    "void *volatile kept;\n"
			    "int main(void)\n"
			    "{\n"
			    "	kept = malloc(3210);\n"
			    "	free(kept);\n"
			    "	return 0;\n"
			    "}\n";

static const struct {
	const char *file, *source;
} programs[] = {
	{"strdup.c", strdup_c},
	{"aligned.c", aligned_c},
	{"exception.cc", exception_cc},
	{"lto.c", lto_c},
};

void write_programs(void)
{
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		write_file(programs[i].file, programs[i].source, strlen(programs[i].source));
}

struct traced run_linked(const char *program)
{
	struct run traced = run("LOG_MALLOC_QUIET=1 %s 1022>trace", program);

	ck_assert_msg(traced.status == 0, "%s: status %d, %.200s", program, traced.status, traced.err);
	ck_assert_str_eq(traced.err, "");
	return traced_read("trace", true);
}

struct traced run_soundly(const char *program)
{
	struct traced trace = run_linked(program);

	traced_is_sound(&trace);
	return trace;
}

size_t frame_of(const struct traced_call *call, const char *symbol)
{
	size_t i = 0;

	while (i < call->depth && strcmp(traced_symbol(call->frames[i]), symbol) != 0)
		i++;
	return i;
}

void calls_from(const struct traced *trace, const char *function, uint64_t size, const char *symbol)
{
	const struct traced_call *call = traced_find(trace, function, size);

	ck_assert_uint_gt(call->depth, 0);
	ck_assert_str_eq(traced_symbol(call->frames[0]), symbol);
}

void build(const char *directory, const char *what, const char *settings)
{
	struct run made = run(MAKE "-j2 B=%s/%s %s %s", built, directory, settings, what);

	ck_assert_msg(made.status == 0 && !*made.err, "make %s %s: %.400s", settings, what, made.err);
}

TCase *group(Suite *suite, const char *name, SFun fixture)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 180);
	if (fixture)
		tcase_add_unchecked_fixture(tcase, fixture, NULL);
	suite_add_tcase(suite, tcase);
	return tcase;
}
