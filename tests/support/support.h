/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the suites share: where things were built, commands that are run
 * through the shell with their output captured, and the runner.
 * LM_BUILD and LM_SOURCE in the environment name the build and source trees.
 */
#ifndef LM_TESTS_SUPPORT_H
#define LM_TESTS_SUPPORT_H

#include <check.h>
#include <stddef.h>

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
 * than two minutes. Results last until the test ends.
 */
struct run run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A fresh directory of this test's own, removed when the suite ends. */
const char *scratch(void);

/* The content of a file in the scratch directory (or absolute), or NULL. */
char *read_file(const char *path, size_t *len);
void write_file(const char *path, const char *content, size_t len);

/* Is COMMAND on the PATH? Tests that need one say so and return. */
int have_command(const char *command);

/* Prints "SKIP name: why" and counts it; the test then returns. */
void skip(const char *name, const char *why);

/* Runs the suite and prints Check's summary line; the value for main(). */
int run_suite(Suite *suite);

#endif
