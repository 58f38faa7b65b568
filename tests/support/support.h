/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the suites share: where things were built, commands that are run
 * through the shell with their output captured, and the runner. "make check"
 * names the build and the source tree in the environment variables LM_BUILD
 * and LM_SOURCE.
 */
#ifndef LM_TESTS_SUPPORT_H
#define LM_TESTS_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* The launcher, and where the test programs are. For command lines of run(). */
#define LM       "$B/log-malloc"
#define PROGRAMS "$B/tests/programs/"

struct run {
	int status;     /* exit status, or 128+n for a signal */
	char *out;      /* standard output, NUL-terminated */
	char *err;      /* standard error, NUL-terminated */
	size_t out_len; /* without the NUL */
	size_t err_len;
};

/*
 * Runs a command line through bash (sh has no descriptor 1022), after "cd" into the test's scratch
 * directory. $B is the build directory and $S the source directory, both
 * absolute. Standard input is /dev/null. Ends a command that runs for longer
 * than five minutes. Results last until the test ends.
 */
struct run run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An assertion for each event of a trace: ck_assert() makes system calls when it holds, too. */
#define each_holds(condition) ((condition) ? (void)0 : ck_abort_msg("%s", #condition))

/* The result of run(...). Fails the test if the command failed, and shows what it printed. */
#define must(result)                                                                                                   \
	({                                                                                                             \
		struct run must_ = (result);                                                                           \
		ck_assert_msg(must_.status == 0, "status %d: %.2000s%.2000s", must_.status, must_.out, must_.err);     \
		must_;                                                                                                 \
	})

/* What "jq -c FILTER" prints of the JSON that COMMAND prints with OPTIONS has to be EXPECTED. */
void json_is(const char *command, const char *options, const char *filter, const char *expected);

/*
 * What log-malloc-findleak writes as JUnit has to be valid, with so many FAILURES, and is left in ./junit. The result
 * is the command's. Needs xmllint.
 */
struct run junit_has(const char *options, int failures);

/* COMMAND has to end with status 2 and a message for each of the COUNT argument lists. */
void are_refused(const char *command, const char *const *arguments, size_t count);

/* A fresh directory of this test's own, removed when the suite ends. */
const char *scratch(void);

/* The content of a file in the scratch directory (or absolute), or NULL. */
char *read_file(const char *path, size_t *len);
void write_file(const char *path, const char *content, size_t len);

/* Is COMMAND on the PATH? */
bool have_command(const char *command);

/* Prints "SKIP TEST: WHY", which "make check" counts. The test then returns. */
void skip(const char *test, const char *why);

/* Runs a command whose trace is a FIFO, which a reader copies to "t". */
#define WITH_READER                                                                                                    \
	"bash -c 'rm -f fifo; mkfifo fifo; cat fifo >t & r=$!; env \"$@\" 1022>fifo; s=$?; wait $r; exit $s' - "

/* Is COMMAND, which TEST needs, on the PATH? If not, TEST is skipped. */
bool can_run(const char *test, const char *command);

/* Adds a test case of its own, which runs TIMES times with _i counting from 0; TIMES is 0 for a test without _i. */
void add_test(Suite *suite, const char *name, const TTest *test, int times);

#define TIMES(test, times) add_test(suite, #test, test, times)
#define ONCE(test)         add_test(suite, #test, test, 0)

/* Runs the suite and prints Check's summary line; the value for main(). */
int run_suite(Suite *suite);

#endif
