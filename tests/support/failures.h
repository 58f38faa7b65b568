/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of a test that failed, for the end of "make check": on a machine
 * that nobody can look at, its last lines are all that is left. Check's message,
 * and the last command that the test ran. failures.sh prints both.
 */
#ifndef LM_TESTS_FAILURES_H
#define LM_TESTS_FAILURES_H

#include <check.h>

/* The test, whose directory is DIRECTORY, begins to run COMMAND. */
void failures_command_begins(const char *directory, const char *command);

/* It ended after that many seconds. ERR is what it printed to standard error. */
void failures_command_ended(const char *directory, const char *command, int status, double seconds, const char *err);

/* The test passed: its commands need not be known. */
void failures_forget(const char *directory);

/* Adds a line for each test of RUNNER that failed to the file that BUILD, the build directory, has for all suites. */
void failures_keep(SRunner *runner, const char *build);

#endif
