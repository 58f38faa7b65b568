/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests that look into processes by ptrace, which a container or kernel.yama.ptrace_scope may forbid. */
#ifndef LM_TESTS_TRACING_H
#define LM_TESTS_TRACING_H

#include <check.h>
#include <stdbool.h>

enum tracing {
	TRACING_CHILDREN, /* processes that the tracer has started */
	TRACING_OTHERS,
	TRACING_ATTACHED /* others, which log-malloc -p makes call system calls: not under a filter of these */
};

/* Is that permitted here? If not, TEST is skipped. */
bool can_trace(const char *test, enum tracing tracing);

/* The same for a test that runs strace. */
bool can_strace(const char *test);

/* add_test(), if that is permitted here. */
void add_tracing_test(Suite *suite, enum tracing tracing, const char *name, const TTest *test, int times);

#endif
