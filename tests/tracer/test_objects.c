/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tracker reads of the program and its libraries is input, and it takes no lock of the loader's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flavours.h"
#include "support.h"
#include "traced.h"

#define PRELOADED "LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_QUIET=1 "

/* NAME.so, with the function FUNCTION, which allocates, and give(), which releases. */
static void make_library(const char *name, const char *function, const char *options)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "__attribute__((noinline)) void *inner(unsigned long n)\n"
				     "{ char room[n % 64 + 1]; void *p; room[0] = 0; p = malloc(n + room[0]);\n"
				     "__asm__ volatile(\"\" : \"+r\"(p) : \"r\"(room) : \"memory\"); return p; }\n"
				     "void *NAME(unsigned long n) { void *p = inner(n);\n"
				     "__asm__ volatile(\"\" : \"+r\"(p)); return p; }\n"
				     "void give(void *p) { free(p); }\n";

	write_file("library.c", source, sizeof source - 1);
	must(run("$CC -shared -fPIC -O1 -g -fno-builtin -fno-inline -DNAME=%s %s library.c -o %s.so", function, options,
	         name));
}

static struct traced loading(const char *settings, const char *arguments)
{
	struct traced trace;

	must(run(PRELOADED "%s " PROGRAMS "loading %s 1022>trace", settings, arguments));
	trace = traced_read("trace", true);
	traced_is_sound(&trace);
	return trace;
}

/* ---- the loader's lock ---- */

START_TEST(a_lock_that_is_taken_under_the_loaders_is_no_deadlock)
{
	struct run traced = run_traced(_i, "LOG_MALLOC_QUIET=1", "loader_lock", "");
	struct traced trace;

	ck_assert_msg(traced.status == 0, "%s: status %d, %s", flavours[_i].name, traced.status, traced.err);
	trace = traced_read("trace", false);
	traced_is_sound(&trace);
	ck_assert_uint_ge(trace.calls[LM_CALL_MALLOC], 40000);
}
END_TEST

/* ---- libraries that are not sound ---- */

struct damage {
	const char *of, *how;
};

/* bad.so is made of OF; the untraced program runs with it, and the traced one has to do the same. */
static bool lives_with(const struct damage *damage)
{
	struct run traced;

	must(run(PROGRAMS "damage_library %s bad.so %s", damage->of, damage->how));
	if (run(PROGRAMS "loading each work ./bad.so").status != 0)
		return false;
	for (int compact = 0; compact < 2; compact++) {
		traced = run(PRELOADED "LOG_MALLOC_FORMAT=%s " PROGRAMS "loading each work ./bad.so 1022>trace",
		             compact ? "compact" : "full");
		ck_assert_msg(traced.status == 0, "%s: status %d, %s", damage->how, traced.status, traced.err);
		ck_assert_int_eq(run("$B/tests/judge trace").status, 0);
	}
	return true;
}

START_TEST(no_damage_to_a_library_takes_the_program_down)
{
	/* Between its segments there is nothing, and 0x100000 and 0x500000 lie there. */
	static const struct damage damages[] = {
		{"whole.so", "count 0x20000"},
		{"whole.so", "count 0xffffffff"},
		{"whole.so", "count 0x1fffffff"},
		{"whole.so", "entries 0x500000"},
		{"whole.so", "entries 0x7fffffff"},
		{"whole.so", "entries 0xfffffff0"},
		{"whole.so", "header 0x100000"},
		{"whole.so", "header 0x600ffe"},
		{"whole.so", "header 0xfffffffffffffff0"},
		{"whole.so", "notes 0x500000 0x400"},
		{"whole.so", "notes 0 0x7fffffff"},
		{"whole.so", "notes 0x500000 0x7fffffffffffffff"},
		{"whole.so", "notes 0xfffffffffffffff0 0x40"},
		{"whole.so", "lengths 0x40000"},
		{"whole.so", "lengths 0x7fffffff"},
		{"whole.so", "lengths 0xfffffffe"},
		{"whole.so", "cut"},
	};
	static const struct damage expressions[] = {
		{"expression.so", "expressions 0x7fffffff"},
		{"expression.so", "expressions 0x10000"},
		{"expression.so", "expressions 64"},
	};
	static const char assembly[] =
		"	.globl work\n	.type work,@function\nwork:	.cfi_startproc\n"
		"	sub $8,%rsp\n	.cfi_def_cfa_offset 16\n"
		"	.cfi_escape 0x0f,0x84,0x80,0x80,0x80,0x00,0x30,0x13,0x30,0x13\n"
		"	call malloc@plt\n	add $8,%rsp\n	ret\n	.cfi_endproc\n	.size work,.-work\n"
		"	.section .note.GNU-stack,\"\",@progbits\n";
	unsigned lived = 0;

	make_library("whole", "work", "-Wl,-z,max-page-size=0x200000 -Wl,-z,separate-code -Wl,--build-id");
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
		lived += lives_with(&damages[i]);
	/* Nearly all of them load. What does not, can't be tried. */
	ck_assert_uint_ge(lived, 12);
	write_file("expression.S", assembly, sizeof assembly - 1);
	if (run("$CC -shared -o expression.so expression.S").status != 0) {
		skip("no_damage_to_a_library_takes_the_program_down", "its expressions are for x86-64");
		return;
	}
	for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++)
		ck_assert(lives_with(&expressions[i]));
}
END_TEST

START_TEST(noise_in_the_unwind_tables_takes_no_program_down)
{
	struct run untraced;

	make_library("whole", "work", "-Wl,-z,max-page-size=0x200000 -Wl,-z,separate-code -Wl,--build-id");
	must(run("for i in {1..150}; do " PROGRAMS
	         "damage_library whole.so noise$i.so noise $((i + 150 * %d)) || exit; done",
	         _i));
	untraced = must(run(PROGRAMS "loading each work ./noise*.so"));
	for (int compact = 0; compact < 2; compact++) {
		struct run traced =
			must(run(PRELOADED "LOG_MALLOC_FORMAT=%s " PROGRAMS "loading each work ./noise*.so 1022>trace",
		                 compact ? "compact" : "full"));

		ck_assert_str_eq(traced.out, untraced.out);
		ck_assert_int_eq(run("$B/tests/judge trace").status, 0);
	}
}
END_TEST

/* strip(1) writes into the file, and a long table of names is not copied. */
START_TEST(a_library_that_is_cut_while_it_is_loaded_takes_nothing_down)
{
	struct run last;

	make_library("short", "work", "");
	must(run("{ for i in {1..6000}; do echo \"void "
	         "a_function_with_a_name_that_is_long_enough_to_fill_the_table_$i(void) "
	         "{}\"; done; cat library.c; } >long.c && $CC -shared -fPIC -O1 -fno-builtin -fno-inline -DNAME=work "
	         "long.c "
	         "-o long.so"));
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "long" : "short";
		struct traced trace;

		must(run(PROGRAMS "damage_library %s.so cut.so cut", name));
		last = must(run("stat -c %%s cut.so"));
		must(run(PRELOADED PROGRAMS "loading cut ./%s.so work %lu 1022>trace", name,
		         strtoul(last.out, NULL, 10)));
		trace = traced_read("trace", true);
		traced_is_sound(&trace);
		ck_assert_str_eq(traced_symbol(traced_find(&trace, "malloc", 25001)->frames[0]), "inner");
	}
}
END_TEST

/* ---- libraries that come and go ---- */

static void names_are(const struct traced *trace, const char *first, const char *second)
{
	ck_assert_str_eq(traced_symbol(traced_find(trace, "malloc", 25001)->frames[1]), first);
	ck_assert_str_eq(traced_symbol(traced_find(trace, "malloc", 25002)->frames[1]), second);
}

START_TEST(a_library_without_a_build_id_comes_back_as_itself)
{
	struct traced trace;
	struct run churn;

	make_library("first", "first", "-Wl,--build-id=none");
	make_library("second", "second", "-Wl,--build-id");
	for (int compact = 0; compact < 2; compact++) {
		struct run modules;

		churn = must(run(PRELOADED "LOG_MALLOC_FORMAT=%s " PROGRAMS
		                           "loading churn 1000 ./first.so first ./second.so second 1022>trace",
		                 compact ? "compact" : "full"));
		ck_assert_msg(strtol(strstr(churn.out, "mappings: ") + 10, NULL, 10) <= 6, "%s", churn.out);
		ck_assert_msg(strtol(strstr(churn.out, "KiB: ") + 5, NULL, 10) <= 5000, "%s", churn.out);
		trace = traced_read("trace", true);
		traced_is_sound(&trace);
		names_are(&trace, "first", "second");
		/* Where the loader puts them at addresses of their own by turns, there are some more. */
		modules = run("grep -c '^# MODULE .*/first.so$' trace");
		ck_assert_int_le(strtol(modules.out, NULL, 10), 4);
	}
}
END_TEST

START_TEST(the_stamp_of_a_file_stands_where_it_has_no_build_id)
{
	char wanted[200];
	struct stat file;

	make_library("first", "first", "-Wl,--build-id=none");
	loading("", "all first ./first.so");
	ck_assert_int_eq(stat(must(run("echo -n $PWD/first.so")).out, &file), 0);
	snprintf(wanted, sizeof wanted, " %jd@%jd.%09ld ", (intmax_t)file.st_size, (intmax_t)file.st_mtim.tv_sec,
	         file.st_mtim.tv_nsec);
	ck_assert_ptr_nonnull(strstr(must(run("grep '^# MODULE .*/first.so$' trace")).out, wanted));
}
END_TEST

START_TEST(a_library_that_takes_anothers_path_and_place_has_its_own_names)
{
	static const char *const options[] = {"-Wl,--build-id", "-Wl,--build-id=none"};

	for (int i = 0; i < 2; i++) {
		struct traced trace;

		make_library("first", "first", options[i]);
		make_library("second", "other", options[i]);
		trace = loading("", "replace ./first.so first ./second.so other");
		names_are(&trace, "first", "other");
	}
}
END_TEST

/* Of a sample, the loader's calls in between are no events, and the loader uses its memory for the next library again.
 */
START_TEST(a_library_that_takes_anothers_place_unseen_has_its_own_names)
{
	static const char *const samples[] = {"64K", "64K LOG_MALLOC_FORMAT=packed", "4K"};

	make_library("first", "first", "-Wl,--build-id");
	make_library("second", "other", "-Wl,--build-id");
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		char settings[100];
		struct traced trace;
		int found = 0;

		snprintf(settings, sizeof settings, "LOG_MALLOC_SAMPLE=%s", samples[i]);
		trace = loading(settings, "replace-large ./first.so first ./second.so other");
		for (size_t j = 0; j < trace.count; j++) {
			const struct traced_call *call = &trace.list[j];

			if (call->event.call != LM_CALL_MALLOC || call->event.size < 2500000)
				continue;
			found++;
			ck_assert_uint_gt(call->depth, 1);
			ck_assert_str_eq(traced_symbol(call->frames[1]),
			                 call->event.size == 2500100 ? "first" : "other");
		}
		ck_assert_int_eq(found, 200);
	}
}
END_TEST

START_TEST(what_was_loaded_while_tracing_was_off_has_its_own_names)
{
	static const char *const options[] = {"-Wl,--build-id", "-Wl,--build-id=none"};

	for (int i = 0; i < 2; i++) {
		make_library("first", "first", options[i]);
		make_library("second", "other", options[i]);
		must(run(PRELOADED "LOG_MALLOC_SIGNAL=USR1 " PROGRAMS
		                   "loading switch ./first.so first ./second.so other 1022>trace"));
		struct traced trace = traced_read("trace", true);

		names_are(&trace, "first", "other");
	}
}
END_TEST

START_TEST(many_libraries_at_once_have_each_their_own_names)
{
	struct traced trace;

	for (int i = 0; i < 2; i++)
		make_library(i ? "odd" : "even", "work", i ? "-Wl,--build-id=none" : "-Wl,--build-id");
	must(run("for i in {100..299}; do if ((i %% 2)); then cp odd.so lib$i.so; else cp even.so lib$i.so; fi; done"));
	trace = loading("", "all work ./lib*.so");
	for (unsigned i = 0; i < 200; i++) {
		const struct traced_call *call = traced_find(&trace, "malloc", 27000 + i);
		char wanted[64];

		snprintf(wanted, sizeof wanted, "/lib%u.so(work+0x", 100 + i);
		ck_assert_msg(strstr(call->frames[1], wanted) != NULL, "%s, not %s", call->frames[1], wanted);
	}
}
END_TEST

/* ---- the loader's trampolines ---- */

START_TEST(a_backtrace_goes_through_the_trampolines_of_an_audited_program)
{
	static const char audit[] =
		"#define _GNU_SOURCE\n#include <link.h>\n"
		"unsigned la_version(unsigned version) { return version < LAV_CURRENT ? version : LAV_CURRENT; }\n"
		"unsigned la_objopen(struct link_map *m, Lmid_t l, uintptr_t *c) { return LA_FLG_BINDTO | "
		"LA_FLG_BINDFROM; }\n"
		"Elf64_Addr la_x86_64_gnu_pltenter(Elf64_Sym *s, unsigned i, uintptr_t *f, uintptr_t *t, "
		"La_x86_64_regs *r,\n"
		"unsigned *flags, const char *n, long *frame) { *frame = 128; return s->st_value; }\n"
		"unsigned la_x86_64_gnu_pltexit(Elf64_Sym *s, unsigned i, uintptr_t *f, uintptr_t *t, const "
		"La_x86_64_regs *in,\n"
		"La_x86_64_retval *out, const char *n) { return 0; }\n";
	static const char program[] =
		"#include <stdlib.h>\n"
		"extern void *outer(unsigned long);\n"
		"int main(void) { for (unsigned i = 0; i < 50; i++) free(outer(29000)); return 0; }\n";
	struct traced trace;
	unsigned found = 0;

	make_library("libouter", "outer", "");
	write_file("audit.c", audit, sizeof audit - 1);
	write_file("program.c", program, sizeof program - 1);
	if (run("$CC -shared -fPIC audit.c -o audit.so").status != 0) {
		skip("a_backtrace_goes_through_the_trampolines_of_an_audited_program",
		     "the audit library is for x86-64");
		return;
	}
	must(run("$CC -O1 -Wl,-z,lazy program.c -o program -L. -louter -Wl,-rpath,$PWD"));
	must(run("LD_AUDIT=$PWD/audit.so " PRELOADED "./program 1022>trace"));
	trace = traced_read("trace", true);
	ck_assert_uint_eq(trace.malformed, 0);
	for (size_t i = 0; i < trace.count; i++) {
		const struct traced_call *call = &trace.list[i];
		bool has_outer = false, has_main = false;

		if (call->event.call != LM_CALL_MALLOC || call->event.size != 29000)
			continue;
		for (size_t frame = 0; frame < call->depth; frame++) {
			has_outer |= strcmp(traced_symbol(call->frames[frame]), "outer") == 0;
			has_main |= strcmp(traced_symbol(call->frames[frame]), "main") == 0;
		}
		ck_assert_msg(has_outer && has_main, "line %ju has no outer or main", (uintmax_t)call->line);
		found++;
	}
	ck_assert_uint_eq(found, 50);
}
END_TEST

/* ---- programs without symbols ---- */

static const char runtime_c[] =
	"#include <locale.h>\n#include <pthread.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n"
	"char *volatile keep;\n"
	"static void *work(void *a) { free(keep = malloc(77)); return a; }\n"
	"int main(void)\n{\n"
	"	pthread_t thread;\n"
	"	time_t now = time(NULL);\n"
	"	setlocale(LC_ALL, \"\");\n"
	"	pthread_create(&thread, NULL, work, NULL);\n"
	"	pthread_join(thread, NULL);\n"
	"	localtime(&now);\n"
	"	setenv(\"A\", \"b\", 1);\n"
	"	keep = malloc(99);\n"
	"	puts(\"hello\");\n"
	"	keep = NULL;\n"
	"	return 0;\n}\n";

#define WRAP_PC "PKG_CONFIG_PATH=$B/pkgconfig:$PKG_CONFIG_PATH ${PKG_CONFIG:-pkg-config} "

/* Which blocks are the runtime's is known by names. A stripped program has none of its own. */
START_TEST(a_stripped_static_program_leaks_what_it_leaks_with_its_symbols)
{
	static const char *const ways[] = {"-static", "-static-pie -fPIE", "-static -Wl,--gc-sections"};

	write_file("runtime.c", runtime_c, sizeof runtime_c - 1);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		const char *whole;
		struct run r;

		must(run("$CC %s -g -O1 -fno-builtin runtime.c -o whole $(" WRAP_PC
		         "--static --cflags --libs log-malloc2-wrap) -Wl,--fatal-warnings && strip -o stripped whole",
		         ways[i]));
		must(run("for p in whole stripped; do LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=$p.t ./$p; done"));
		whole = run("$B/log-malloc-findleak whole.t | tail -n 1").out;
		ck_assert_ptr_nonnull(strstr(whole, "Total: 1 block, 99 bytes "));
		r = run("$B/log-malloc-findleak stripped.t");
		ck_assert_msg(strstr(r.out, whole) && strstr(r.out, "(main+0x"), "%s, not %s", r.out, whole);
	}
}
END_TEST

START_TEST(a_dynamic_program_needs_no_private_symbols_of_libc)
{
	write_file("runtime.c", runtime_c, sizeof runtime_c - 1);
	must(run("$CC -g -O1 runtime.c -o dynamic $(" WRAP_PC "--cflags --libs log-malloc2-wrap)"));
	ck_assert_str_eq(must(run("objdump -T dynamic | grep -E 'GLIBC_PRIVATE|log_malloc_static' || true")).out, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("objects");

	EACH(a_lock_that_is_taken_under_the_loaders_is_no_deadlock);
	ONCE(no_damage_to_a_library_takes_the_program_down);
	TIMES(noise_in_the_unwind_tables_takes_no_program_down, 2);
	ONCE(a_library_that_is_cut_while_it_is_loaded_takes_nothing_down);
	ONCE(a_library_without_a_build_id_comes_back_as_itself);
	ONCE(the_stamp_of_a_file_stands_where_it_has_no_build_id);
	ONCE(a_library_that_takes_anothers_path_and_place_has_its_own_names);
	ONCE(a_library_that_takes_anothers_place_unseen_has_its_own_names);
	ONCE(what_was_loaded_while_tracing_was_off_has_its_own_names);
	ONCE(many_libraries_at_once_have_each_their_own_names);
	ONCE(a_backtrace_goes_through_the_trampolines_of_an_audited_program);
	ONCE(a_stripped_static_program_leaks_what_it_leaks_with_its_symbols);
	ONCE(a_dynamic_program_needs_no_private_symbols_of_libc);
	return run_suite(suite);
}
