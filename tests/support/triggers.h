/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the suites of triggers (LOG_MALLOC_AT, --at, --run) share: tests/programs/triggers in each kind of trace. */
#ifndef LM_TESTS_TRIGGERS_H
#define LM_TESTS_TRIGGERS_H

#include "flavours.h"
#include "support.h"

#include <stdint.h>

/* The kinds of traces. In the sampled ones, blocks of 256 KiB and more are in the sample, but for one in 10^7. */
enum { KINDS = 5, SAMPLED = 3 };

extern const char *const trigger_kinds[KINDS];

/* Each kind in each flavour; or each of them once, for what can't depend on both. Both are made of a test's number. */
#define EACH_OF_BOTH(test) TIMES(test, FLAVOURS *KINDS)
#define EACH_ONCE(test)    TIMES(test, KINDS)

/* Both numbers have no common divisor, so that all pairs come. */
static inline int flavour_of(int number)
{
	return number % FLAVOURS;
}

/* For --run: prints the moment, and the trace's name with N for its process. */
#define TELL "'echo $LOG_MALLOC_MOMENT ${LOG_MALLOC_TRACE##*/} | sed s/$LOG_MALLOC_PID/N/' "

/* Runs the program in flavour and kind of test NUMBER, with AT. SHELL comes before it. */
struct run run_triggers(int number, const char *shell, const char *at, const char *operations);

/* The marks in the trace at PATH, each with a blank behind it. */
const char *marks_of(const char *path);

/* The same run has to have the marks EXPECTED. */
void marks_are(int number, const char *at, const char *operations, const char *expected);

/* The line of the trigger WORD that fired first: its two numbers. */
void first_trigger(const char *word, uint64_t *value, uint64_t *amount);

#endif
