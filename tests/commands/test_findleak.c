/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc-findleak shows of what it found; jq and xmllint judge what is written for other programs. */
#include "leaker.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

START_TEST(json_says_what_the_text_says)
{
	char *answer;

	if (!can_run("json_says_what_the_text_says", "jq"))
		return;
	leaker_trace_c("");
	answer = leaker_ask("", "[.complete, .foreign, .double, .unknown, .lost, .malformed, (.leaks | length),"
	                        " ([.leaks[].bytes] | add), ([.leaks[].count] | add), .rest.count] | @json");
	ck_assert_str_eq(answer, "[true,0,0,0,0,0,5,5683,11,0]");
	answer =
		leaker_ask("", ".leaks[] | select(.call == \"calloc\") | [.count, .bytes, .backtrace[0].function, "
	                       "(.backtrace[0].file | split(\"/\") | last), .backtrace[0].line, .backtrace[0].inlined, "
	                       "(.backtrace[0].module | split(\"/\") | last)] | @json");
	ck_assert_str_eq(answer, "[5,240,\"chain\",\"leaker.c\",12,false,\"leaker\"]");
	/* Sorted, and each frame has its fields. */
	ck_assert_str_eq(leaker_ask("", "[.leaks[].bytes] | . == (sort | reverse)"), "true");
	ck_assert_str_eq(leaker_ask("", "[.leaks[].backtrace[] | keys | join(\" \")] | unique | join(\",\")"),
	                 "address file function inlined line module offset");
	ck_assert_str_eq(leaker_ask("", "[.leaks[].backtrace[] | .address, .offset | test(\"^0x[0-9a-f]+$\")] | all"),
	                 "true");
	must(run("test \"$(jq .pid json)\" = \"$(sed -n 's/^# PID //p' t)\" &&"
	         "test \"$(jq -r .program json)\" = \"$(sed -n 's/^# EXE //p' t)\""));
}
END_TEST

START_TEST(an_offset_is_what_addr2line_wants)
{
	if (!can_run("an_offset_is_what_addr2line_wants", "jq") ||
	    !can_run("an_offset_is_what_addr2line_wants", "addr2line"))
		return;
	for (int i = 0; i < 2; i++) {
		leaker_trace_c(i ? "-no-pie" : "-pie -fPIE");
		leaker_ask("", ".");
		must(run("at=$(jq -r '.leaks[] | select(.call == \"calloc\").backtrace[0].offset' json);"
		         "addr2line -fe leaker $(printf '0x%%x' $((at - 1))) | grep -A1 '^chain$' | grep "
		         "'leaker.c:12'"));
	}
}
END_TEST

START_TEST(the_first_leaks_are_shown_and_the_rest_is_summed_up)
{
	struct run r;

	leaker_trace_c("");
	r = run("$B/log-malloc-findleak --top 2 t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "SUSPECTED 11 LEAKS:\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "\n ... and 7 blocks with 383 bytes (0.37 KiB) of 3 other leaks\n"));
	ck_assert_str_eq(run("$B/log-malloc-findleak -t2 t | grep -c ' leaked '").out, "2\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak -t0 t | grep -c ' leaked '").out, "5\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak --min-bytes 200 t | grep -c ' leaked '").out, "3\n");
	ck_assert_str_eq(run("$B/log-malloc-findleak --min-bytes 1K t | grep -c ' leaked '").out, "1\n");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --min-bytes 1M t").out, "of 5 other leaks\n"));
	/* Whatever is shown, the last line is about all. */
	r = run("for o in -t1 --min-bytes=200 -a -t0; do $B/log-malloc-findleak $o t | tail -n 1; done | uniq |"
	        "sed 's/[0-9]* backtraces/N/' | uniq");
	ck_assert_str_eq(r.out, "Total: 11 blocks, 5683 bytes (5.55 KiB), N; 0 foreign frees; the trace is complete\n");
}
END_TEST

START_TEST(twenty_leaks_are_shown_by_default)
{
	struct run r = run("{ echo '+ INIT [0:0] malloc=0'; for i in $(seq 30); do printf '+ malloc %%d 0x%%d0 [1:1]\\n"
	                   "[0x%%d]\\n' $i $i $i; done; } >t; $B/log-malloc-findleak t");

	ck_assert_ptr_nonnull(strstr(r.out, " ... and 10 blocks with 55 bytes (0.05 KiB) of 10 other leaks\n"));
	if (can_run("twenty_leaks_are_shown_by_default", "jq"))
		ck_assert_str_eq(leaker_ask("", ".leaks | length"), "30");
	if (have_command("jq"))
		ck_assert_str_eq(
			leaker_ask("--top=4", "[(.leaks | length), .rest.count, .rest.bytes, .total.bytes] | @json"),
			"[4,26,351,465]");
}
END_TEST

START_TEST(each_block_can_be_shown_on_its_own)
{
	struct run r;

	leaker_trace_c("");
	r = run("$B/log-malloc-findleak --by-address t | grep -c '^ 0x[0-9a-f]* leaked '");
	ck_assert_str_eq(r.out, "11\n");
	r = run("$B/log-malloc-findleak -na t | sed -n 's/^ \\(0x[0-9a-f]*\\) leaked.*/\\1/p' | sort -u | wc -l");
	ck_assert_str_eq(r.out, "11\n");
}
END_TEST

static const char timed[] = "+ INIT [0:0] malloc=0\n# TIME 0\n+ malloc 1 0x10 [1:24]\n# TIME 1000\n"
			    "+ malloc 2 0x20 [3:48]\n# TIME 5000\n+ malloc 4 0x40 [7:96]\n# TIME 60000\n"
			    "+ malloc 8 0x80 [15:1]\n# TIME 61000\n";

START_TEST(young_blocks_are_no_leaks)
{
	static const struct {
		const char *age;
		int bytes;
	} cases[] = {{"0", 15},      {"0ms", 15}, {"1ms", 15},    {"1000ms", 15}, {"1001ms", 7}, {"2", 7}, {"56s", 7},
	             {"56001ms", 3}, {"1m", 3},   {"60001ms", 1}, {"61s", 1},     {"62s", 0},    {"1h", 0}};

	write_file("t", timed, strlen(timed));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = run("$B/log-malloc-findleak --older-than %s t | tail -n 1", cases[i].age);
		int bytes = -1;

		sscanf(r.out, "Total: %*d %*[^ ] %d byte", &bytes);
		ck_assert_msg(bytes == cases[i].bytes, "%s: %s", cases[i].age, r.out);
	}
	if (have_command("jq"))
		ck_assert_str_eq(leaker_ask("-a --older-than=1001ms", "[.young.bytes, .leaks[].time] | @json"),
		                 "[8,5000,1000,0]");
	/* Without times nothing is known to be young, and that is said. */
	run("grep -v TIME t >u");
	ck_assert_ptr_nonnull(strstr(run("$B/log-malloc-findleak --older-than 1s u").err, "u: the trace has no times"));
}
END_TEST

/* They are older than the file, but nothing says by how much. */
START_TEST(blocks_from_before_a_file_are_not_young)
{
	static const char newer[] = "# SAMPLE 1\n+ INIT [0:0] malloc=0\n# LIVE 2\n+ malloc 100 0x10 [100:100]\n"
				    "+ malloc 200 0x20 [300:300]\n# TIME 0\n+ malloc 400 0x40 [700:700]\n# TIME 5000\n"
				    "+ malloc 800 0x80 [1500:1500]\n";
	static const struct {
		const char *age;
		int bytes;
		const char *said;
	} cases[] = {{"0", 1500, ""},
	             {"5s", 700, ""},
	             {"1h", 300,
	              "log-malloc-findleak: t: of blocks that were live when the file began, 5.0 s before its end, it "
	              "does not say how old they are\n"}};

	write_file("t", newer, strlen(newer));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run r = run("$B/log-malloc-findleak --older-than %s t", cases[i].age);
		const char *total = strstr(r.out, "Total: ");
		int bytes = -1;

		ck_assert_ptr_nonnull(total);
		sscanf(total, "Total: ~%*d %*[^ ] ~%d byte", &bytes);
		ck_assert_msg(bytes == cases[i].bytes, "%s: %s", cases[i].age, r.out);
		ck_assert_str_eq(r.err, cases[i].said);
		ck_assert_int_eq(r.status, 1);
	}
}
END_TEST

START_TEST(a_budget_decides_on_the_status)
{
	leaker_trace_c("");
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 5683 t").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 5682 t").status, 1);
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 6K t").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-findleak --max-bytes 0 t").status, 1);
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-findleak --max-bytes 10K t").out, "; within the budget of 10240 bytes\n"));
	ck_assert_ptr_nonnull(
		strstr(run("$B/log-malloc-findleak --max-bytes 10 t").out, "; OVER the budget of 10 bytes\n"));
}
END_TEST

START_TEST(junit_reports_are_valid)
{
	if (!can_run("junit_reports_are_valid", "xmllint"))
		return;
	leaker_trace_c("");
	ck_assert_int_eq(junit_has("t", 5).status, 1);
	ck_assert_int_eq(junit_has("--top 2 t", 3).status, 1);
	ck_assert_int_eq(junit_has("--max-bytes 10000 t", 0).status, 0);
	ck_assert_int_eq(junit_has("--max-bytes 10000 t t", 0).status, 0);
	ck_assert_int_eq(junit_has("-n t t", 10).status, 1);
	must(run("printf '+ INIT [0:0] malloc=0\\n+ FINI [0:0] malloc=0\\n' >none"));
	ck_assert_int_eq(junit_has("none", 0).status, 0);
	ck_assert_int_eq(junit_has("none t none", 5).status, 1);
	ck_assert_int_eq(junit_has("t /nonexistent", 5).status, 2);
	ck_assert_str_eq(run("xmllint --xpath 'count(//error)' junit").out, "1\n");
	/* Names with everything that is none of XML's. */
	must(run("printf '# EXE /<a>&\"b\\001\\377\\n+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:24]\\n"
	         "/x<\\033>&(a<b>\"\\007\\302\\303\\244\\355\\240\\200\\357\\277\\277+0x1)[0x1]\\n' >odd"));
	ck_assert_int_eq(junit_has("odd", 1).status, 1);
	ck_assert_str_eq(run("xmllint --xpath 'string(//testcase/@classname)' junit").out, "/<a>&\"b\\001\\377\n");
}
END_TEST

START_TEST(names_that_are_no_utf_8_make_valid_json)
{
	if (!can_run("names_that_are_no_utf_8_make_valid_json", "jq"))
		return;
	must(run("printf '# EXE /a\\377\\303\\244\\342\\202\\n+ INIT [0:0] malloc=0\\n+ malloc 5 0x10 [5:24]\\n"
	         "/x(\\200\\001\"\\\\+0x1)[0x1]\\n' >t"));
	ck_assert_str_eq(leaker_ask("", ".program"), "/a\\377\303\244\\342\\202");
	ck_assert_str_eq(leaker_ask("", ".leaks[0].backtrace[0].function | @json"), "\"\\\\200\\u0001\\\"\\\\\"");
	ck_assert_str_eq(leaker_ask("", ".pid"), "null");
	/* Numbers beyond what JSON's readers take. */
	must(run("printf '+ INIT [0:0] malloc=0\\n+ malloc 18446744073709551615 0x10 [5:24]\\n' >t"));
	leaker_ask("", ".leaks[0].bytes");
	must(run("grep '\"bytes\":9223372036854775807' json || ! grep '\"bytes\":-' json"));
}
END_TEST

/* ---- several images, several files --------------------------------------------- */

START_TEST(each_image_and_each_file_is_reported_by_its_program)
{
	struct run r;

	leaker_trace_c("");
	must(run("cp leaker other && LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/u ./other"));
	r = run("$B/log-malloc-findleak -n t u");
	ck_assert_int_eq(r.status, 1);
	must(run("pid=$(sed -n 's/^# PID //p' u); $B/log-malloc-findleak -n t u |"
	         "grep \"^u: IMAGE 1: process $pid $PWD/other (lines 1 to \""));
	ck_assert_ptr_nonnull(strstr(r.out, "t: IMAGE 1: process "));
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: 22 blocks, 11366 bytes "));
	if (can_run("each_image_and_each_file_is_reported_by_its_program", "jq")) {
		must(run("$B/log-malloc-findleak --format json t u | jq -rs 'length, .[].program' | sed 's,.*/,,' |"
		         "tr '\\n' ' ' | grep '^2 leaker other $'"));
	}
	r = run("pid=$(sed -n 's/^# PID //p' u); $B/log-malloc-findleak -n -p $pid t u");
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: 11 blocks, "));
	ck_assert_int_eq(r.status, 1);
	ck_assert_int_eq(run("$B/log-malloc-findleak -n -p 2147483647 t u").status, 2);
	/* One that cannot be read does not keep the others from being reported. */
	r = run("$B/log-malloc-findleak t /nonexistent u");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.out, "\nTotal: 22 blocks, 11366 bytes "));
	ck_assert_ptr_nonnull(strstr(r.err, "/nonexistent: No such file"));
}
END_TEST

START_TEST(traces_in_one_file_that_are_of_several_processes_are_told_apart)
{
	static const char both[] = "# PID 5\n+ INIT [0:0] malloc=0\n+ malloc 1 0x10 [1:24]\n"
				   "# PID 6\n+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n";
	struct run r;

	write_file("t", both, strlen(both));
	r = run("$B/log-malloc-findleak t");
	ck_assert_msg(strstr(r.out, "IMAGE 1: process 5 (lines 1 to 3, ends early)\n") &&
	                      strstr(r.out, "IMAGE 2: process 6 (lines 4 to 6)\n") &&
	                      strstr(r.out, "; the trace ends early\n"),
	              "%s", r.out);
}
END_TEST

START_TEST(programs_that_exec_are_told_apart)
{
	struct run r;

	leaker_trace_c("");
	must(run("LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t /bin/bash -c 'exec ./leaker'"));
	r = run("$B/log-malloc-findleak t");
	ck_assert_ptr_nonnull(strstr(r.out, "IMAGE 1: process "));
	ck_assert_ptr_nonnull(strstr(r.out, ", then another program in its place)\n"));
	must(run("$B/log-malloc-findleak t | grep \"^IMAGE 2: process [0-9]* $PWD/leaker (lines \""));
	if (can_run("programs_that_exec_are_told_apart", "jq"))
		must(run("$B/log-malloc-findleak --format json t | jq -s '.[1] | .total.bytes == 5683 and .complete' |"
		         "grep true"));
}
END_TEST

START_TEST(a_killed_program_is_reported_all_the_same)
{
	static const char program[] = "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
				      "void *lost;\n"
				      "int main(void) { lost = malloc(123); return kill(getpid(), SIGKILL); }\n";
	struct run r;

	write_file("killed.c", program, strlen(program));
	r = run("${CC:-cc} -g -o killed killed.c; LD_PRELOAD=$B/liblog-malloc2.so LOG_MALLOC_OUTPUT=$PWD/t ./killed;"
	        "$B/log-malloc-findleak t");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, " leaked 123 bytes "));
	ck_assert_ptr_nonnull(strstr(r.out, " killed.c:5 "));
	ck_assert_ptr_nonnull(strstr(r.out, "; the trace ends early\n"));
	r = run("$B/log-malloc-findleak t t");
	ck_assert_ptr_nonnull(strstr(r.out, ", ends early)\n"));
	if (can_run("a_killed_program_is_reported_all_the_same", "jq"))
		ck_assert_str_eq(leaker_ask("", "[.complete, .begun, .ended, .total.bytes] | @json"),
		                 "[false,true,false,123]");
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
	static const char *const options[] = {"--top x",
	                                      "--top -1",
	                                      "--min-bytes",
	                                      "--min-bytes 5X",
	                                      "--older-than 5d",
	                                      "--older-than",
	                                      "--max-bytes ''",
	                                      "--format xml",
	                                      "--format",
	                                      "--older-than -1",
	                                      "--min-bytes 99999999999999999999",
	                                      "--max-bytes 99999999999999G",
	                                      "--sysroot /nonexistent"};

	write_file("t", timed, strlen(timed));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		struct run r = run("$B/log-malloc-findleak t %s", options[i]);

		ck_assert_msg(r.status == 2, "%s: %d", options[i], r.status);
		ck_assert_msg(!r.out_len && r.err_len, "%s: %s", options[i], r.out);
	}
	ck_assert_int_eq(run("$B/log-malloc-findleak --format json t >/dev/full").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-findleak --format junit t >/dev/full").status, 2);
}
END_TEST

/* ---- code without unwind tables ---- */

/* A call by a pointer does not say whom it calls. Else, the tracker would find the caller all the same. */
static const char untabled_c[] = "#include <stdlib.h>\nvoid *volatile kept;\nvoid by_assembly(void);\n"
				 "__attribute__((noinline)) void leaky(size_t n)\n"
				 "{ volatile char x[32]; x[0] = 1; kept = malloc(n); kept = NULL; x[1] = x[0]; }\n"
				 "void (*volatile leak)(size_t) = leaky, (*volatile other)(void) = by_assembly;\n"
				 "int main(void) { leak(77); leak(78); other(); return 0; }\n";

/* By a frame pointer, the tracker would find the caller all the same. */
static const char assembly_s[] = "	.globl by_assembly\n	.type by_assembly, %function\nby_assembly:\n"
				 "#ifdef __x86_64__\n	pushq %rbp\n	xorl %ebp, %ebp\n	movl $79, %edi\n"
				 "	call malloc@PLT\n	popq %rbp\n	ret\n"
				 "#else\n	stp x29, x30, [sp, #-16]!\n	mov x29, #0\n	mov x0, #79\n"
				 "	bl malloc\n	ldp x29, x30, [sp], #16\n	ret\n#endif\n"
				 "	.section .note.GNU-stack,\"\",%progbits\n";

/* What the report says of the program when it was compiled with FLAGS. */
static struct run untabled_report(const char *flags, const char *options)
{
	must(run("${CC:-cc} -O1 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables %s -o untabled untabled.c "
	         "assembly.S && "
	         "LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=trace LD_PRELOAD=$B/liblog-malloc2.so ./untabled",
	         flags));
	return run("$B/log-malloc-findleak %s trace", options);
}

START_TEST(code_without_unwind_tables_is_told_with_the_flag_that_cures_it)
{
	static const char test[] = "code_without_unwind_tables_is_told_with_the_flag_that_cures_it";
	struct run report;

	if (run("case $(uname -m) in x86_64|aarch64) ;; *) false ;; esac").status != 0) {
		skip(test, "the assembly is of x86-64 and aarch64");
		return;
	}
	write_file("untabled.c", untabled_c, sizeof untabled_c - 1);
	write_file("assembly.S", assembly_s, sizeof assembly_s - 1);
	report = untabled_report("", "");
	ck_assert_ptr_nonnull(strstr(report.out, "\nNO CALLERS: code without unwind tables is where backtraces end:\n"
	                                         " 1 backtrace in "));
	ck_assert_ptr_nonnull(strstr(report.out, "/untabled, as at leaky\n"
	                                         "To see the callers, compile it with -funwind-tables.\n\nTotal: 3 "));
	json_is("log-malloc-findleak", "trace", ".untabled | map([.function, .backtraces])", "[[\"leaky\",1]]\n");
	/* A stripped program's functions have no names. */
	report = untabled_report("-s", "");
	ck_assert_ptr_nonnull(strstr(report.out, "/untabled\nTo see the callers"));
	/* A backtrace that ends at assembly, and one that ends where the program begins, are not told. */
	report = untabled_report("-funwind-tables", "");
	ck_assert_ptr_null(strstr(report.out, "NO CALLERS"));
	json_is("log-malloc-findleak", "trace", ".untabled", "[]\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("findleak");
	TCase *shown = tcase_create("shown"), *images = tcase_create("images");

	tcase_set_timeout(shown, 120);
	tcase_add_test(shown, json_says_what_the_text_says);
	tcase_add_test(shown, an_offset_is_what_addr2line_wants);
	tcase_add_test(shown, the_first_leaks_are_shown_and_the_rest_is_summed_up);
	tcase_add_test(shown, twenty_leaks_are_shown_by_default);
	tcase_add_test(shown, each_block_can_be_shown_on_its_own);
	tcase_add_test(shown, young_blocks_are_no_leaks);
	tcase_add_test(shown, blocks_from_before_a_file_are_not_young);
	tcase_add_test(shown, a_budget_decides_on_the_status);
	tcase_add_test(shown, junit_reports_are_valid);
	tcase_add_test(shown, names_that_are_no_utf_8_make_valid_json);
	tcase_add_test(shown, options_that_make_no_sense_are_refused);
	tcase_add_test(shown, code_without_unwind_tables_is_told_with_the_flag_that_cures_it);
	suite_add_tcase(suite, shown);
	tcase_set_timeout(images, 120);
	tcase_add_test(images, each_image_and_each_file_is_reported_by_its_program);
	tcase_add_test(images, programs_that_exec_are_told_apart);
	tcase_add_test(images, traces_in_one_file_that_are_of_several_processes_are_told_apart);
	tcase_add_test(images, a_killed_program_is_reported_all_the_same);
	suite_add_tcase(suite, images);
	return run_suite(suite);
}
