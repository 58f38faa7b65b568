/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-report --format html: when there is a page, and what it does in a browser. tests/page/browser.mjs has the
 * tests that need a browser.
 */
#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char trace[] = "# PID 7\n"
			    "+ INIT [0:0] malloc=0\n"
			    "+ malloc 100 0x10 [100:104]\n"
			    "/x(keep+0x1)[0x1001]\n"
			    "+ FINI [100:104] malloc=1\n";

/* Does this build have the page? */
static bool has_page(void)
{
	return run("test -s $B/generated/page.html").status == 0;
}

static bool can_make_pages(const char *test)
{
	write_file("trace", trace, strlen(trace));
	if (has_page())
		return true;
	skip(test, "this build has no page: 'make deps-html'");
	return false;
}

START_TEST(a_build_without_the_page_says_how_to_get_it)
{
	struct run r;

	write_file("trace", trace, strlen(trace));
	must(run("make -s -C $S B=$PWD/without HTML=no CC=\"$CC\" $PWD/without/generated/page_template.o"));
	r = run("$CC -o report $B/obj/src/tools/log-malloc-report.o without/generated/page_template.o $B/libtools.a "
	        "$B/libreader.a $LM_CFLAGS -ldw -lelf -liberty -lzstd -lz -ljansson -lprotobuf-c -ldl -lm");
	if (r.status != 0) {
		skip("a_build_without_the_page_says_how_to_get_it", "a program can't be linked here as make links it");
		return;
	}
	r = run("./report --format html -o page.html trace");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "this build has no page for browsers"));
	ck_assert_ptr_nonnull(strstr(r.err, "make deps-html"));
	ck_assert_int_ne(access("page.html", F_OK), 0);
}
END_TEST

START_TEST(the_output_is_a_file_or_standard_output)
{
	write_file("trace", trace, strlen(trace));
	must(run("$B/log-malloc-report --format json trace >expected"));
	must(run("$B/log-malloc-report --format json -o named trace"));
	must(run("$B/log-malloc-report --format json --output - trace >dash"));
	must(run("cmp expected named && cmp expected dash"));
	ck_assert_int_eq(run("$B/log-malloc-report --format json -o none/named trace").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-report --format json -o /dev/full trace").status, 2);
	/* A trace is not written over. */
	must(run("ln trace same"));
	ck_assert_int_eq(run("$B/log-malloc-report --format json -o same trace").status, 2);
	must(run("$B/log-malloc-report --format json trace | cmp - expected"));
}
END_TEST

START_TEST(a_page_is_one_file_that_needs_no_network)
{
	if (!can_make_pages("a_page_is_one_file_that_needs_no_network"))
		return;
	must(run("$B/log-malloc-report --format html -o page.html trace"));
	must(run("$B/log-malloc-report --format html trace | cmp - page.html"));
	must(run("grep -q 'Content-Security-Policy.*default-src .none.' page.html"));
	/* Neither a resource from elsewhere nor a place of this machine. */
	ck_assert_int_ne(run("grep -Ei '(src|href)=\"[^#]|url\\(|@import' page.html").status, 0);
	ck_assert_int_ne(run("grep -F \"$S\" page.html").status, 0);
}
END_TEST

START_TEST(a_trace_that_has_nothing_leaves_no_page)
{
	if (!can_make_pages("a_trace_that_has_nothing_leaves_no_page"))
		return;
	write_file("nothing", "", 0);
	ck_assert_int_eq(run("$B/log-malloc-report --format html -o page.html nothing").status, 2);
	ck_assert_int_eq(run("$B/log-malloc-report --format html -o page.html -p 8 trace").status, 2);
	ck_assert_int_ne(run("test -e page.html").status, 0);
	ck_assert_int_eq(run("$B/log-malloc-report --format html --top 5 -o page.html trace").status, 2);
}
END_TEST

/* What is not in the numbers of the tests with a browser: a window, and a trace that ends early. */
START_TEST(all_inputs_of_a_report_make_pages)
{
	if (!can_make_pages("all_inputs_of_a_report_make_pages"))
		return;
	must(run("for t in $S/tests/golden/*.trace; do $B/log-malloc-report --format html -o page.html $t || exit; "
	         "test -s page.html || exit; done"));
	must(run("$B/log-malloc-report --format html -n -f --split-threads <trace - >page.html"));
	must(run("$B/log-malloc-report --format html -o page.html trace trace trace"));
}
END_TEST

START_TEST(pages_work_in_a_browser)
{
	const char *name = "pages_work_in_a_browser";

	if (!can_make_pages(name) || !can_run(name, "node") || !can_run(name, "chromium"))
		return;
	if (run("test -d $S/src/page/node_modules/playwright-core").status != 0) {
		skip(name, "playwright-core is not installed: 'make deps-html'");
		return;
	}
	must(run("mkdir pages && CHROMIUM=$(command -v chromium) node $S/tests/page/browser.mjs $B $S $PWD/pages"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page");

	ONCE(a_build_without_the_page_says_how_to_get_it);
	ONCE(the_output_is_a_file_or_standard_output);
	ONCE(a_page_is_one_file_that_needs_no_network);
	ONCE(a_trace_that_has_nothing_leaves_no_page);
	ONCE(all_inputs_of_a_report_make_pages);
	ONCE(pages_work_in_a_browser);
	return run_suite(suite);
}
