/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocators other than libc's, preloaded behind the tracker or linked, and programs that others watch:
 * debuggers, profilers, sanitizers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

static const char *const allocators[] = {"libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2"};

#define ALLOCATORS ((int)(sizeof allocators / sizeof *allocators))

#define OURS "$B/liblog-malloc2.so"

static bool have_allocator(const char *test, int number)
{
	if (run("ldconfig -p | grep -q '%s '", allocators[number]).status == 0)
		return true;
	skip(test, allocators[number]);
	return false;
}

/* Each block that the program tells of stands in the trace, and R grew by the usable size that it saw. */
static void has_usable_sizes(const struct traced *trace, const char *out)
{
	char function[32];
	size_t size, usable, next = 0, lines = 0;

	for (const char *line = out; sscanf(line, " %31s %zu %zu", function, &size, &usable) == 3; lines++) {
		int64_t before = 0;

		for (; next < trace->count; next++) {
			const struct event *event = &trace->list[next].event;

			before = next ? trace->list[next - 1].event.usable : 0;
			if (strcmp(parse_call_name(event->call), function) == 0 && event->size == size)
				break;
		}
		ck_assert_msg(next < trace->count, "no %s of %zu", function, size);
		/* A resized block's old one left R. */
		if (strcmp(function, "realloc") != 0)
			ck_assert_int_eq(trace->list[next].event.usable - before, (int64_t)usable);
		next++;
		line = strchr(line + 1, '\n');
		if (!line)
			break;
	}
	ck_assert_uint_gt(lines, 100);
}

/* Nor does looking for a function change what libc keeps for itself. */
START_TEST(first_calls_leave_nothing_behind)
{
	struct run r = must(run("LC_ALL=C.UTF-8 LANGUAGE=de LD_PRELOAD=" OURS " " PROGRAMS "first_calls 1022>trace"));

	ck_assert_str_eq(r.out, must(run("LC_ALL=C.UTF-8 LANGUAGE=de " PROGRAMS "first_calls")).out);
}
END_TEST

START_TEST(an_allocator_preloaded_behind_us_is_the_real_one)
{
	struct run untraced, traced;
	struct traced trace;

	if (!have_allocator("an_allocator_preloaded_behind_us_is_the_real_one", _i))
		return;
	untraced = run("LD_PRELOAD=%s " PROGRAMS "sizes", allocators[_i]);
	traced = run("LD_PRELOAD=\"" OURS " %s\" LOG_MALLOC_QUIET=1 " PROGRAMS "sizes 1022>trace", allocators[_i]);
	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.out, untraced.out);
	ck_assert_str_ne(traced.out, run(PROGRAMS "sizes").out);
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	has_usable_sizes(&trace, traced.out);
}
END_TEST

/* Its blocks from before are released as its own: libc's free() would end the program. */
START_TEST(an_allocator_of_a_running_program_is_the_real_one)
{
	struct traced trace;

	if (!have_allocator("an_allocator_of_a_running_program_is_the_real_one", _i))
		return;
	must(run("LD_PRELOAD=%s " PROGRAMS "attached " OURS
	         " threads=2 begin=trace step work before move keep end error=0 before step",
	         allocators[_i]));
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	ck_assert_uint_eq(trace.heap.counts.foreign, 2);
	ck_assert_uint_eq(trace.heap.bytes, 50000);
}
END_TEST

START_TEST(glibcs_debugging_allocator_is_the_real_one)
{
	static const char debugging[] = "MALLOC_CHECK_=3 MALLOC_PERTURB_=165 LD_PRELOAD=";
	struct run untraced, traced;
	struct traced trace;

	if (run("ldconfig -p | grep -q 'libc_malloc_debug.so.0 '").status != 0) {
		skip("glibcs_debugging_allocator_is_the_real_one", "libc_malloc_debug.so.0");
		return;
	}
	untraced = run("%slibc_malloc_debug.so.0 " PROGRAMS "sizes", debugging);
	traced = run("%slibc_malloc_debug.so.0 $B/log-malloc -q -o trace " PROGRAMS "sizes", debugging);
	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.out, untraced.out);
	ck_assert_str_ne(traced.out, run(PROGRAMS "sizes").out);
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	has_usable_sizes(&trace, traced.out);
}
END_TEST

START_TEST(it_keeps_order_and_totals_there_as_well)
{
	struct run traced;
	struct traced trace;

	if (!have_allocator("it_keeps_order_and_totals_there_as_well", _i))
		return;
	traced = run("LD_PRELOAD=\"" OURS " %s\" LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=compact " PROGRAMS
	             "threads 8 20000 1022>trace",
	             allocators[_i]);
	ck_assert_int_eq(traced.status, 0);
	ck_assert_str_eq(traced.err, "");
	trace = traced_read("trace", false);
	traced_is_sound(&trace);
}
END_TEST

/* Through the launcher, the library in front; and with the archive, which wraps what the linker found there. */
START_TEST(an_allocator_linked_to_the_program_is_the_real_one)
{
	static const char *const flags[] = {
		"", "$(PKG_CONFIG_PATH=$B/pkgconfig pkg-config --cflags --libs log-malloc2-wrap)"};

	if (!have_allocator("an_allocator_linked_to_the_program_is_the_real_one", _i))
		return;
	for (int i = 0; i < 2; i++) {
		struct run built, traced;
		struct traced trace;

		built = run("$CC -g -O1 -pthread -fno-builtin $S/tests/programs/threads.c -o linked %s "
		            "-Wl,--no-as-needed -l:%s",
		            flags[i], allocators[_i]);
		ck_assert_msg(built.status == 0, "%s", built.err);
		traced = run("LOG_MALLOC_QUIET=1 $B/log-malloc -q -o trace ./linked 4 5000");
		ck_assert_int_eq(traced.status, 0);
		ck_assert_str_eq(traced.err, "");
		trace = traced_read("trace", false);
		traced_is_sound(&trace);
		ck_assert_uint_gt(trace.calls[LM_CALL_MALLOC], 1000);
	}
}
END_TEST

/* The archive does not see what strdup allocates. Some have glibc's names for their functions, but not its blocks. */
START_TEST(a_foreign_block_of_an_allocator_linked_to_the_program_has_the_size_that_it_says)
{
	static const char source[] =
		"#include <malloc.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
		"int main(void) { char text[1001]; memset(text, 'x', 1000); text[1000] = 0;\n"
		"free(malloc(10)); char *volatile p = strdup(text); printf(\"%zu\\n\", "
		"malloc_usable_size(p)); fflush(stdout); free(p); }\n";
	struct run built, traced;

	if (!have_allocator("a_foreign_block_of_an_allocator_linked_to_the_program_has_the_size_that_it_says", _i))
		return;
	write_file("strdup.c", source, sizeof source - 1);
	built = run("$CC -g -O1 -fno-builtin strdup.c -o strdup $(PKG_CONFIG_PATH=$B/pkgconfig pkg-config --cflags "
	            "--libs log-malloc2-wrap) -Wl,--no-as-needed -l:%s",
	            allocators[_i]);
	ck_assert_msg(built.status == 0, "%s", built.err);
	traced = run("LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace ./strdup");
	ck_assert_int_eq(traced.status, 0);
	ck_assert_int_ge(atoi(traced.out), 1001);
	ck_assert_str_eq(run("grep -c '^+ free -%d ' trace", atoi(traced.out)).out, "1\n");
}
END_TEST

START_TEST(an_allocator_preloaded_in_front_of_us_leaves_nothing_to_see)
{
	struct run traced;
	struct traced trace;

	if (!have_allocator("an_allocator_preloaded_in_front_of_us_leaves_nothing_to_see", _i))
		return;
	traced = run("LD_PRELOAD=\"%s " OURS "\" LOG_MALLOC_QUIET=1 " PROGRAMS "threads 4 2000 1022>trace",
	             allocators[_i]);
	ck_assert_int_eq(traced.status, 0);
	trace = traced_read("trace", false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(trace.calls[LM_CALL_MALLOC], 0);
}
END_TEST

START_TEST(a_size_that_wraps_round_is_not_in_the_books)
{
	struct traced trace;
	struct run traced;

	/* tcmalloc rounds SIZE_MAX up to whole pages without a look at overflow, and hands out a block. */
	if (!have_allocator("a_size_that_wraps_round_is_not_in_the_books", 1))
		return;
	traced = run("LD_PRELOAD=\"" OURS " %s\" LOG_MALLOC_QUIET=1 " PROGRAMS "semantics 1022>trace", allocators[1]);
	ck_assert_int_eq(traced.status, 0);
	/* Of the first block it says no usable size, being not ready itself: R stays below U. */
	trace = traced_read("trace", false);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_int_eq(trace.fini.used, (int64_t)trace.heap.bytes);
}
END_TEST

/* ---- watched by others --------------------------------------------------------------- */

static const struct watcher {
	const char *name, *try, *command; /* TRY says whether it works here at all */
} watchers[] = {
	{"gdb", "gdb -q -nx -batch -ex run /bin/true",
         "gdb -q -nx -batch -ex 'set startup-with-shell off' -ex \"set env LD_PRELOAD $B/liblog-malloc2.so\" "
         "-ex 'set env LOG_MALLOC_OUTPUT trace' -ex 'set env LOG_MALLOC_QUIET 1' -ex 'set breakpoint pending on' -ex "
         "'break exit' -ex run -ex bt "
         "-ex continue --args "},
	{"strace", "strace -o /dev/null /bin/true",
         "strace -f -o strace.out -E LD_PRELOAD=$B/liblog-malloc2.so -E LOG_MALLOC_OUTPUT=trace "
         "-E LOG_MALLOC_QUIET=1 "},
	{"perf", "perf record -q -o perf.data /bin/true",
         "perf record -q -g -o perf.data env LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=trace "
         "LOG_MALLOC_QUIET=1 "},
	/* Else it takes the allocation functions of all libraries over, ours included. */
	{"valgrind", "valgrind -q --tool=none /bin/true",
         "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=trace LOG_MALLOC_QUIET=1 valgrind.bin -q "
         "--soname-synonyms=somalloc=nouserintercepts "},
};

#define WATCHERS ((int)(sizeof watchers / sizeof *watchers))

/* Lines of the threads program about what is left; others say more. */
static unsigned count_live(const char *out)
{
	unsigned n = 0;

	while ((out = strstr(out, "live 0x"))) {
		out++;
		n++;
	}
	return n;
}

START_TEST(a_traced_program_can_be_watched)
{
	const struct watcher *watcher = &watchers[_i];
	struct run traced, judged;

	if (run("%s", watcher->try).status != 0) {
		skip("a_traced_program_can_be_watched", watcher->name);
		return;
	}
	traced = run("PATH=$PATH:/usr/libexec:/usr/bin; %s " PROGRAMS "threads 2 300", watcher->command);
	ck_assert_msg(traced.status == 0, "%s: %d, %s", watcher->name, traced.status, traced.err);
	/* Others may have started the program, or allocated in it before it begins. */
	judged = run("$B/tests/judge trace");
	ck_assert_msg(judged.status == 0, "%s: %s", watcher->name, judged.err);
	ck_assert_uint_gt(count_live(traced.out), 100);
	ck_assert_uint_gt(traced_read("trace", false).calls[LM_CALL_MALLOC], 100);
}
END_TEST

START_TEST(valgrind_on_its_own_terms_sees_no_fault_of_ours)
{
	struct run traced;

	if (!can_run("valgrind_on_its_own_terms_sees_no_fault_of_ours", "valgrind"))
		return;
	traced = run("LD_PRELOAD=" OURS " LOG_MALLOC_OUTPUT=trace LOG_MALLOC_QUIET=1 valgrind -q --error-exitcode=9 "
	             "--trace-children=yes " PROGRAMS "threads 2 300");
	ck_assert_msg(traced.status == 0, "%d: %s", traced.status, traced.err);
	ck_assert_uint_eq(traced_read("trace", false).malformed, 0);
}
END_TEST

static const char victim[] =
	"#include <stdio.h>\n#include <stdlib.h>\n"
	"int main(void) { void *volatile p = malloc(1234); puts(\"hello\"); free(p); return 3; }\n";

START_TEST(of_AddressSanitizer_the_launcher_says_whose_allocator_it_is)
{
	static const char *const compilers[] = {"gcc", "clang"};

	write_file("victim.c", victim, sizeof victim - 1);
	for (int i = 0; i < 2; i++) {
		struct run r;

		if (run("%s -fsanitize=address victim.c -o victim && ./victim", compilers[i]).status != 3) {
			skip("of_AddressSanitizer_the_launcher_says_whose_allocator_it_is", compilers[i]);
			continue;
		}
		r = run("$B/log-malloc -o trace ./victim");
		ck_assert_int_eq(r.status, 2);
		ck_assert_str_eq(r.err, "log-malloc: ./victim was built with AddressSanitizer, whose allocator is in "
		                        "charge there and finds leaks itself: trace a build without "
		                        "-fsanitize=address\n");
	}
}
END_TEST

START_TEST(a_program_built_with_ThreadSanitizer_is_traced)
{
	struct traced trace;
	struct run r;

	write_file("victim.c", victim, sizeof victim - 1);
	if (run("gcc -g -fsanitize=thread victim.c -o victim && ./victim").status != 3) {
		skip("a_program_built_with_ThreadSanitizer_is_traced", "it does not work here");
		return;
	}
	/* Its checks are for the program's own code. */
	r = run("TSAN_OPTIONS=ignore_noninstrumented_modules=1 LOG_MALLOC_QUIET=1 $B/log-malloc -q -o trace ./victim");
	ck_assert_int_eq(r.status, 3);
	ck_assert_str_eq(r.out, "hello\n");
	ck_assert_str_eq(r.err, "");
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_str_eq(traced_symbol(traced_find(&trace, "malloc", 1234)->frames[0]), "main");
}
END_TEST

/* Each size in a process of its own, with an empty buffer and with one that is used up to the last few bytes. */
static const char boot_blocks[] =
	"#include <string.h>\n#include <sys/wait.h>\n#include <unistd.h>\n#include \"boot.h\"\n"
	"static int is_inside(const char *p, size_t size)\n"
	"{\n"
	"	return !p || (p > lm_boot_buffer && p < lm_boot_buffer + LM_BOOT_SIZE && lm_boot_usable(p) >= size &&\n"
	"		      p + lm_boot_usable(p) <= lm_boot_buffer + LM_BOOT_SIZE);\n"
	"}\n"
	"static int is_right(size_t alignment, size_t used, size_t size)\n"
	"{\n"
	"	char *first = used ? lm_boot_alloc(1, used) : NULL, *p = lm_boot_alloc(alignment, size);\n"
	"	if (!is_inside(first, used) || !is_inside(p, size) || (size_t)p % alignment)\n"
	"		return 0;\n"
	"	if (!used && alignment == 1 && !p != (size > LM_BOOT_SIZE - 16))\n"
	"		return 0;\n"
	"	if (p)\n"
	"		memset(p, 1, size);\n"
	"	return is_inside(lm_boot_alloc(1, 1), 1);\n"
	"}\n"
	"static int run(size_t alignment, size_t used, size_t size)\n"
	"{\n"
	"	int status = 1;\n"
	"	if (fork() == 0)\n"
	"		_exit(!is_right(alignment, used, size));\n"
	"	wait(&status);\n"
	"	return status == 0;\n"
	"}\n"
	"int main(void)\n"
	"{\n"
	"	for (size_t size = 16300; size < 16450; size++)\n"
	"		if (!run(1, 0, size) || !run(64, 0, size) || !run(4096, 100, size - 8192))\n"
	"			return 1;\n"
	"	for (size_t used = 16300; used < 16368; used++)\n"
	"		if (!run(1, used, 0) || !run(1, used, 20) || !run(1, used, 16380) || !run(16384, used, "
	"16384))\n"
	"			return 2;\n"
	"	return !run(1, 0, -1) || !run(1, 100, -100) || !run((size_t)1 << 40, 0, 1);\n"
	"}\n";

START_TEST(no_block_of_the_first_calls_leaves_their_buffer)
{
	write_file("boot_blocks.c", boot_blocks, sizeof boot_blocks - 1);
	must(run("for f in preload core/port core/seam format; do i=\"$i -iquote $S/src/$f\"; done; "
	         "$CC -std=gnu11 -g $i boot_blocks.c $S/src/preload/boot.c -o boot_blocks"));
	must(run("./boot_blocks"));
}
END_TEST

/* Everything is bound at the start, so the resolver runs before the libraries in front of it are relocated. */
static const char chosen[] =
	"#include <malloc.h>\n#include <stdlib.h>\n#include <string.h>\n"
	"static void *kept;\n"
	"static int plain(void) { return 1; }\n"
	"static int right(void) { free(kept); return 0; }\n"
	"static int is_whole(const char *p, size_t size)\n"
	"{\n"
	"	while (size && p[size - 1] == 7)\n"
	"		size--;\n"
	"	return size == 0;\n"
	"}\n"
	"static int is_zero(const char *p, size_t size)\n"
	"{\n"
	"	while (size && !p[size - 1])\n"
	"		size--;\n"
	"	return size == 0;\n"
	"}\n"
	"static int (*resolve(void))(void)\n"
	"{\n"
	"	char *p = malloc(100), *q = calloc(3, 7), *r = memalign(64, 100), *s = aligned_alloc(256, 256);\n"
	"	void *t = NULL;\n"
	"	if (!p || !q || !r || !s || (size_t)r % 64 || (size_t)s % 256 || !is_zero(q, 21))\n"
	"		return plain;\n"
	"	memset(p, 7, 100);\n"
	"	p = realloc(p, 300);\n"
	"	if (!p || !is_whole(p, 100) || !(p = reallocarray(p, 10, 50)) || !is_whole(p, 100))\n"
	"		return plain;\n"
	"	if (posix_memalign(&t, 128, 50) != 0 || (size_t)t % 128 || posix_memalign(&t, 3, 1) == 0)\n"
	"		return plain;\n"
	"	if (calloc((size_t)-1, 2) || reallocarray(p, (size_t)-1, 2) || malloc((size_t)-100))\n"
	"		return plain;\n"
	"	free(q);\n"
	"	free(r);\n"
	"	free(NULL);\n"
	"	kept = p;\n"
	"	return right;\n"
	"}\n"
	"int chosen(void) __attribute__((ifunc(\"resolve\")));\n";

START_TEST(an_IFUNC_resolver_may_allocate_before_we_are_relocated)
{
	static const char middle[] = "int chosen(void); int middle(void) { return chosen(); }\n";
	static const char program[] = "#include <stdlib.h>\nint middle(void);\n"
				      "int main(void) { free(malloc(10)); return middle(); }\n";
	struct traced trace;

	write_file("chosen.c", chosen, sizeof chosen - 1);
	write_file("middle.c", middle, sizeof middle - 1);
	write_file("program.c", program, sizeof program - 1);
	if (run("cc=\"$CC -D_GNU_SOURCE -w -g -O1 -fPIC -fno-builtin -Wl,-z,now -Wl,-rpath,.\"; "
	        "$cc -shared chosen.c -o libchosen.so && $cc -shared middle.c -L. -lchosen -o libmiddle.so && "
	        "$cc program.c -L. -lmiddle -Wl,-rpath-link,. -o program && ./program")
	            .status != 0) {
		skip("an_IFUNC_resolver_may_allocate_before_we_are_relocated", "a program with such a library");
		return;
	}
	must(run(LM " -q -o trace ./program"));
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_uint_eq(trace.finis, 1);
	traced_find(&trace, "malloc", 10);
	/* And where nothing is traced. */
	must(run("LD_PRELOAD=" OURS " ./program"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("allocators");

	add_test(suite, "behind", an_allocator_preloaded_behind_us_is_the_real_one, ALLOCATORS);
	add_test(suite, "order", it_keeps_order_and_totals_there_as_well, ALLOCATORS);
	add_test(suite, "linked", an_allocator_linked_to_the_program_is_the_real_one, ALLOCATORS);
	add_test(suite, "linked foreign",
	         a_foreign_block_of_an_allocator_linked_to_the_program_has_the_size_that_it_says, ALLOCATORS);
	add_test(suite, "front", an_allocator_preloaded_in_front_of_us_leaves_nothing_to_see, ALLOCATORS);
	add_test(suite, "running", an_allocator_of_a_running_program_is_the_real_one, ALLOCATORS);
	ONCE(first_calls_leave_nothing_behind);
	ONCE(a_size_that_wraps_round_is_not_in_the_books);
	ONCE(glibcs_debugging_allocator_is_the_real_one);
	add_test(suite, "watched", a_traced_program_can_be_watched, WATCHERS);
	ONCE(valgrind_on_its_own_terms_sees_no_fault_of_ours);
	ONCE(of_AddressSanitizer_the_launcher_says_whose_allocator_it_is);
	ONCE(a_program_built_with_ThreadSanitizer_is_traced);
	ONCE(no_block_of_the_first_calls_leaves_their_buffer);
	ONCE(an_IFUNC_resolver_may_allocate_before_we_are_relocated);
	return run_suite(suite);
}
