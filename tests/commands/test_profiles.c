/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc-report says of real programs: valgrind, ms_print, protobuf and pprof have the last word. */
#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Allocates and releases in an order that follows no pattern, by several functions, and leaves some. */
static const char worker[] = "#include <stdlib.h>\n"
			     "static void *blocks[97];\n"
			     "static unsigned seed = 1;\n"
			     "static unsigned next(unsigned limit)\n"
			     "{\n"
			     "	seed = seed * 1664525u + 1013904223u;\n"
			     "	return (seed >> 12) % limit;\n"
			     "}\n"
			     "__attribute__((noinline)) void *one(unsigned n) { void *p = malloc(n); return p; }\n"
			     "__attribute__((noinline)) void *two(unsigned n) { void *p = calloc(n, 3); return p; }\n"
			     "__attribute__((noinline)) void *three(unsigned n) { void *p = one(n + 1); return p; }\n"
			     "int main(void)\n"
			     "{\n"
			     "	for (int i = 0; i < 5000; i++) {\n"
			     "		unsigned n = next(97), size = next(2000) + 1 + (i > 2500 && i < 2600) * 4000;\n"
			     "		free(blocks[n]);\n"
			     "		blocks[n] = i % 3 == 0 ? one(size) : i % 3 == 1 ? two(size) : three(size);\n"
			     "	}\n"
			     "	for (int i = 10; i < 97; i++)\n"
			     "		free(blocks[i]);\n"
			     "	return 0;\n"
			     "}\n";

/* Traces it into "t"; false if it can not be here. */
static bool trace_worker(const char *test, const char *command)
{
	struct run r;

	if (!can_run(test, command))
		return false;
	write_file("worker.c", worker, strlen(worker));
	r = run("${CC:-cc} -g -O1 -fno-builtin -fno-optimize-sibling-calls -o worker worker.c && $B/log-malloc -q -o t "
	        "./worker");
	ck_assert_msg(r.status == 0, "%s", r.err);
	return true;
}

START_TEST(valgrind_counts_the_same_blocks_and_bytes)
{
	struct run r;

	if (!trace_worker("valgrind_counts_the_same_blocks_and_bytes", "valgrind"))
		return;
	r = run("valgrind --tool=dhat --dhat-out-file=/dev/null ./worker 2>&1 | tr -d , |"
	        "sed -n 's/.*\\(Total\\|t-gmax\\|t-end\\): *\\([0-9]*\\) bytes in \\([0-9]*\\) blocks.*/\\3 \\2/p' "
	        ">theirs;"
	        "$B/log-malloc-report --format=json t |"
	        "jq -r '.allocated,.peak,.leaked|\"\\(.count) \\(.bytes)\"' >ours; diff theirs ours && wc -l <ours");
	ck_assert_msg(strcmp(r.out, "3\n") == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(ms_print_shows_the_peak_that_massif_finds)
{
	struct run r;

	if (!trace_worker("ms_print_shows_the_peak_that_massif_finds", "ms_print"))
		return;
	/* Its line in the table, then the sum and the first function of its tree. */
	r = run("show() { ms_print $1 | sed -n '/^ *'$(ms_print $1 | grep -o '[0-9]* (peak)' | cut -d' ' -f1)' /,$p' |"
	        "awk 'NR==1 {print $4} /heap allocation functions/ {sub(/.*%% /,\"\"); print $1; exit}'; }\n"
	        "valgrind --tool=massif --peak-inaccuracy=0.0 --massif-out-file=theirs ./worker 2>/dev/null\n"
	        "$B/log-malloc-report --format=massif t >ours; show theirs >a; show ours >b; diff a b; wc -l <b");
	ck_assert_msg(strcmp(r.out, "2\n") == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(massif_s_snapshots_are_few_in_order_and_add_up)
{
	struct run r;

	if (!trace_worker("massif_s_snapshots_are_few_in_order_and_add_up", "ms_print"))
		return;
	/* Every node is the sum of those below it. */
	r = run("$B/log-malloc-report --format=massif t >m && ms_print --threshold=0 m >/dev/null && "
	        "awk -F'[=: ]+' '/^snapshot/ {if ($2 != n++) print \"order\"} /^time=/ {if ($2 < t) print \"time\"; t "
	        "= $2}"
	        " /^mem_heap_B/ {bytes = $2} /^heap_tree=peak/ {peaks++}"
	        " /^n[0-9]/ {if ($2 != bytes) print \"sum\"}"
	        " /^ *n[0-9]/ {d = match($0, /n/); left[d] = $0; sub(/^ *n/, \"\"); split($0, a, /[: ]+/);"
	        "  if (d > 1 && (sum[d] += a[2]) > value[d - 1]) print \"more\"; value[d] = a[2]; sum[d + 1] = 0}"
	        " END {print peaks, (n > 40 && n <= 98)}' m");
	ck_assert_msg(strcmp(r.out, "1 1\n") == 0, "%s%s", r.out, r.err);
}
END_TEST

START_TEST(massif_s_file_has_the_program_with_the_highest_peak)
{
	struct run r = run("$B/log-malloc-report --format=massif $S/tests/golden/exec.trace >m; status=$?; "
	                   "sed -n 's/^cmd: //p; s/^snapshot=0$/first/p' m; exit $status");

	ck_assert_int_eq(r.status, 0);
	ck_assert_msg(strstr(r.out, "\nfirst\n") && !strstr(strstr(r.out, "\nfirst\n") + 1, "\nfirst"), "%s", r.out);
	ck_assert_ptr_nonnull(strstr(r.err, "of 2 images"));
}
END_TEST

START_TEST(protobuf_s_own_decoder_reads_the_profile)
{
	struct run r;

	if (!trace_worker("protobuf_s_own_decoder_reads_the_profile", "protoc"))
		return;
	r = run("$B/log-malloc-report --format=pprof t | gunzip >p && protoc --decode_raw <p >raw && test -s raw &&"
	        "protoc --decode=pprof.Profile -I $S/src/reader/export $S/src/reader/export/profile.proto <p >text &&"
	        "awk '/^sample {/ {i = 0} /^  value:/ {sum[i++] += $2} END {for (i = 0; i < 8; i++) print sum[i] + 0}' "
	        "text"
	        " >ours; $B/log-malloc-report --format=json t |"
	        "jq '.allocated,.leaked,.peak,.temporary|.count,.bytes' | diff - ours && "
	        "sed -n 's/^string_table: //p' text | grep -c "
	        "'\"\\(one\\|two\\|three\\|main\\|peak_space\\|bytes\\)\"'");
	ck_assert_msg(strcmp(r.out, "6\n") == 0, "%s%s", r.out, r.err);
	/* Every id that is named is there. */
	r = run("awk '/^[a-z_]+ {/ {kind = $1} kind == \"location\" && /^  id:/ {has[$2]} kind == \"function\" && /^  "
	        "id:/ "
	        "{f[$2]} kind == \"mapping\" && /^  id:/ {m[$2]} /location_id:/ {want[$2]} /function_id:/ {wf[$2]}"
	        " /mapping_id:/ {wm[$2]} END {for (i in want) if (!(i in has)) print \"location\", i;"
	        " for (i in wf) if (!(i in f)) print \"function\", i; for (i in wm) if (!(i in m)) print \"mapping\", "
	        "i;"
	        " print (length(want) > 3), (length(wf) > 3), (length(wm) > 1)}' text");
	ck_assert_msg(strcmp(r.out, "1 1 1\n") == 0, "%s%s", r.out, r.err);
}
END_TEST

/* What a newer file of a sampled trace, or a dump of a chip's memory, begins with. */
START_TEST(blocks_from_before_the_file_are_in_use_in_the_profile)
{
	static const char text[] = "# PID 7\n# EXE /x/p\n# CWD /\n# FORMAT full\n+ INIT [0:0] malloc=0\n# LIVE 2\n"
				   "+ malloc 1000 0x1000 [1000:1000]\n/x/p(old+0x1)[0x1001]\n"
				   "+ malloc 50 0x2000 [1050:1050]\n/x/p(new+0x1)[0x1002]\n"
				   "+ malloc 7 0x3000 [1057:1057]\n/x/p(new+0x1)[0x1002]\n"
				   "+ FINI [1057:1057] malloc=1\n";

	if (!can_run("blocks_from_before_the_file_are_in_use_in_the_profile", "protoc"))
		return;
	write_file("t", text, sizeof text - 1);
	ck_assert_str_eq(run("$B/log-malloc-report --format pprof t | gunzip | protoc --decode=pprof.Profile "
	                     "-I $S/src/reader/export $S/src/reader/export/profile.proto | awk "
	                     "'/^sample [{]/ { n = -1 } /^  value:/ { all[++n] += $2 } "
	                     "END { print all[0], all[1], all[2], all[3] }'")
	                         .out,
	                 "1 7 3 1057\n");
}
END_TEST

START_TEST(pprof_itself_shows_the_peak)
{
	struct run r;

	if (!trace_worker("pprof_itself_shows_the_peak", "go"))
		return;
	r = run("export HOME=$PWD; $B/log-malloc-report --format=pprof t >p.gz && go tool pprof -raw p.gz >raw &&"
	        "sed -n 's/^1: .* \\(\\/.*\\) .*/\\1/p' raw | xargs basename;"
	        "go tool pprof -top -unit=B p.gz | sed -n 's/^Type: //p; s/.* \\([0-9]*\\)B total$/\\1/p';"
	        "$B/log-malloc-report --format=json t | jq .peak.bytes");
	ck_assert_msg(strncmp(r.out, "worker\npeak_space\n", 18) == 0, "%s%s", r.out, r.err);
	ck_assert_int_gt(atoi(r.out + 18), 0);
	ck_assert_int_eq(atoi(r.out + 18), atoi(strchr(r.out + 18, '\n')));
}
END_TEST

START_TEST(lines_and_functions_are_named)
{
	if (!trace_worker("lines_and_functions_are_named", "jq"))
		return;
	json_is("log-malloc-report", "--by calls t",
	        "[.consumers[].backtrace|map(.function)|index(\"main\") != null]|all", "true\n");
	json_is("log-malloc-report", "--by calls t", "[.consumers[].backtrace[0]|[.function,.line]]|unique|sort",
	        "[[\"one\",9],[\"two\",10]]\n");
	ck_assert_ptr_nonnull(
		strstr(must(run("$B/log-malloc-report --by calls --tree=bottom-up t")).out, " three (worker.c:11)\n"));
	ck_assert_ptr_nonnull(strstr(must(run("$B/log-malloc-report -n t")).out, "/worker(one+0x"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("profiles");
	TCase *tests = tcase_create("profiles");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, valgrind_counts_the_same_blocks_and_bytes);
	tcase_add_test(tests, ms_print_shows_the_peak_that_massif_finds);
	tcase_add_test(tests, massif_s_snapshots_are_few_in_order_and_add_up);
	tcase_add_test(tests, protobuf_s_own_decoder_reads_the_profile);
	tcase_add_test(tests, blocks_from_before_the_file_are_in_use_in_the_profile);
	tcase_add_test(tests, pprof_itself_shows_the_peak);
	tcase_add_test(tests, lines_and_functions_are_named);
	tcase_add_test(tests, massif_s_file_has_the_program_with_the_highest_peak);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
