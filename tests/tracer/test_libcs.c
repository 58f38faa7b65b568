/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs of other C libraries: musl, which is attached to as well, and dietlibc. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "linked.h"
#include "running_programs.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

START_TEST(programs_of_musl_are_traced)
{
	/* musl's realloc(p, 0) answers with a block; glibc's releases. */
	static const char zero_c[] = "#include <stdlib.h>\n"
				     "#include <string.h>\n"
				     "char *kept;\n"
				     "int main(void)\n"
				     "{\n"
				     "	void *volatile p = malloc(3333);\n"
				     "	p = realloc(p, 0);\n"
				     "	if (!p)\n"
				     "		return 1;\n"
				     "	free(p);\n"
				     "	kept = strdup(\"eleven and NUL\");\n"
				     "	return !kept;\n"
				     "}\n";
	const struct traced_call *call;
	char musl[PATH_MAX + 8];
	struct traced trace;
	struct run compiled;

	if (!can_run("programs_of_musl_are_traced", "musl-gcc"))
		return;
	write_file("zero.c", zero_c, sizeof zero_c - 1);
	snprintf(musl, sizeof musl, "%s/musl", built);
	compiled = run("musl-gcc -g -static -o zero zero.c $(" PKG_CONFIG "--static --cflags --libs log-malloc2-wrap)",
	               musl);
	ck_assert_msg(compiled.status == 0, "%.400s", compiled.err);
	trace = run_soundly("./zero");
	calls_from(&trace, "malloc", 3333, "main");
	call = traced_find(&trace, "realloc", 0);
	ck_assert_uint_ne(call->event.pointer, 0);
	ck_assert_int_eq(call->event.change, -3333);
	/* Both releases are of blocks that the trace knows; strdup's own is left. */
	ck_assert_uint_eq(trace.heap.counts.foreign, 0);
	ck_assert_uint_eq(trace.heap.blocks, 1);
	ck_assert_uint_eq(trace.heap.bytes, 15);
	/* musl's own code has no tables. */
	call = traced_find(&trace, "malloc", 15);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "strdup");
	ck_assert_uint_ge(call->depth, 2);
	ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	ck_assert_int_eq(run("grep -q '^# GUESSED 0x' trace").status, 0);
}
END_TEST

/*
 * musl loads no library with static thread-local storage into a process that runs. The program does what the launcher
 * does, again and again, with threads that stay.
 */
START_TEST(a_running_program_of_musl_is_traced)
{
	struct traced trace;

	if (!can_run("a_running_program_of_musl_is_traced", "musl-gcc"))
		return;
	must(run("! ${READELF:-readelf} -d '%s/musl/liblog-malloc2.so' | grep STATIC_TLS", built));
	must(run("musl-gcc -g -O1 -fno-builtin -iquote $S/src/format -o attached $S/tests/programs/attached.c"));
	must(run("./attached '%s/musl/liblog-malloc2.so' threads=3 step cycles=20 begin=t step many=600 work before "
	         "keep "
	         "fork end error=0 work set=LOG_MALLOC_FORMAT=packed begin=u step many=600 free end error=0",
	         built));
	for (int second = 0; second < 2; second++) {
		trace = traced_read(second ? "u" : "t", true);
		traced_is_sound(&trace);
		ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], second ? 660 : 662);
		ck_assert_uint_eq(trace.heap.counts.foreign, 1);
		ck_assert_uint_eq(trace.heap.blocks, !second);
	}
	must(run("grep -q '^# FLAVOUR attached' t && ! ls *.journal"));
}
END_TEST

/* By all ways that a block is asked for. A program of musl needs a library of musl. */
START_TEST(a_running_program_of_musl_is_attached_to)
{
	struct run result;
	struct traced trace;

	if (!can_run("a_running_program_of_musl_is_attached_to", "musl-gcc") ||
	    !can_trace("a_running_program_of_musl_is_attached_to", TRACING_ATTACHED))
		return;
	must(run("musl-gcc -shared -fPIC -fno-builtin-malloc -o later.so -x c - <<< "
	         "'void *malloc(unsigned long); void *allocate(void) { return malloc(1006); }'"));
	must(run("musl-gcc -O1 -fno-builtin-malloc -o program $S/tests/programs/attach_later.c"));
	result = run(START "start ./program ./later.so && " LM " -p $p -o t; s=$?; kill -KILL $p; exit $s");
	ck_assert_int_eq(result.status, 2);
	ck_assert_ptr_nonnull(strstr(result.err, "runs on musl"));
	must(run(START "start ./program ./later.so && for i in 1 2 3; do " LM
	               " -q -p $p -o t --library '%s/musl/liblog-malloc2.so' && echo >&7 && lines $i && " LM
	               " -q -p $p --detach || exit; done; exec 7>&-; wait $p",
	         built));
	trace = traced_read("t", true);
	for (uint64_t size = 1001; size <= 1006; size++)
		traced_find(&trace, "malloc", size);
}
END_TEST

static void build_with_musl(void)
{
	snprintf(built, sizeof built, "%s", scratch());
	if (have_command("musl-gcc"))
		build("musl", "wrap preload", "CC=musl-gcc");
}

/* What is allocated at the end, too, and behind main(), where dietlibc's thread-local storage would be gone. */
START_TEST(programs_of_dietlibc_are_traced)
{
	static const char diet_c[] =
		"#include <stdlib.h>\n#include <string.h>\n"
		"char *kept;\nvoid *volatile v;\n"
		"void at_end(void) { v = malloc(1234); free(v); }\n"
		"__attribute__((noinline)) void leaky(size_t n) { v = malloc(n); v = NULL; }\n"
		"int main(int argc, char **argv)\n{\n"
		"	(void)argv;\n	atexit(at_end);\n	leaky(3333);\n"
		"	kept = strdup(\"eleven and NUL\");\n"
		"	for (int i = 0; i < 1000; i++) { v = malloc(100); v = realloc(v, 20000); free(v); }\n"
		"	return argc + 6;\n}\n";
	const struct traced_call *call;
	struct traced trace;
	struct run result;

	if (!can_run("programs_of_dietlibc_are_traced", "diet"))
		return;
	snprintf(built, sizeof built, "%s", scratch());
	build("diet", "wrap", "CC='diet gcc'");
	write_file("diet.c", diet_c, sizeof diet_c - 1);
	result = run("diet -Os gcc -g -fno-builtin -static -o diet.program diet.c "
	             "$(" PKG_CONFIG "--static --cflags --libs log-malloc2-wrap)",
	             "$PWD/diet");
	ck_assert_msg(result.status == 0, "%.400s", result.err);
	ck_assert_int_eq(run("./diet.program").status, 7);
	result = run("LOG_MALLOC_QUIET=1 ./diet.program 1022>trace");
	ck_assert_int_eq(result.status, 7);
	ck_assert_str_eq(result.err, "");
	trace = traced_read("trace", true);
	/* There are no usable sizes. */
	ck_assert_uint_eq(trace.malformed + trace.lost + trace.wrong_totals, 0);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_int_eq(trace.fini.usable, 0);
	calls_from(&trace, "malloc", 3333, "leaky");
	calls_from(&trace, "malloc", 1234, "at_end");
	call = traced_find(&trace, "malloc", 15);
	ck_assert_str_eq(traced_symbol(call->frames[0]), "strdup");
	ck_assert_str_eq(traced_symbol(call->frames[1]), "main");
	ck_assert_uint_eq(trace.heap.blocks, 2);
	result = run("$B/log-malloc-findleak trace");
	ck_assert_msg(strstr(result.out, "\n       leaky ") && strstr(result.out, " diet.c:6 "), "%s", result.out);
	ck_assert_ptr_nonnull(strstr(result.out, "the trace is complete"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libcs");
	TCase *tcase = group(suite, "musl", build_with_musl);

	tcase_add_test(tcase, programs_of_musl_are_traced);
	tcase_add_test(tcase, a_running_program_of_musl_is_traced);
	tcase_add_test(tcase, a_running_program_of_musl_is_attached_to);
	tcase = group(suite, "dietlibc", NULL);
	tcase_add_test(tcase, programs_of_dietlibc_are_traced);
	return run_suite(suite);
}
