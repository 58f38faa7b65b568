/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace read through the reader library, for suites that judge what the tracker wrote. */
#ifndef LM_TESTS_TRACED_H
#define LM_TESTS_TRACED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "parse.h"

#define TRACED_FRAMES 128

/* One call as the trace tells it; strings last as long as the test. */
struct traced_call {
	struct event event;
	uint64_t line;
	size_t depth;
	char *frames[TRACED_FRAMES];
};

struct traced {
	struct heap heap; /* of the last image */
	uint64_t images;
	uint64_t inits, finis;
	uint64_t malformed;
	bool ends_early;
	uint64_t parent;               /* of the last image, if it is a fork */
	uint64_t lost;                 /* events of the last image that it says are missing */
	uint64_t behind_loss;          /* calls that stand behind where it first does */
	struct event fini;             /* the last one */
	uint64_t calls[LM_CALL_COUNT]; /* lines of each function, concluded releases left out */
	uint64_t concluded;
	uint64_t wrong_totals; /* calls of a single-threaded program whose U does not follow from CHANGE */
	struct traced_call *list;
	size_t count;
};

/* Reads PATH below the scratch directory; a trace that can't be read fails the test. Keeps the calls if KEEP. */
struct traced traced_read(const char *path, bool keep);

/* The first call that asked for or released SIZE bytes by FUNCTION ("malloc"); fails the test if there is none. */
const struct traced_call *traced_find(const struct traced *traced, const char *function, uint64_t size);

/* The name in a frame's parentheses, "" if there is none. Lasts until the test ends. */
char *traced_symbol(const char *frame);

/* What must hold of every trace of a program that ended in the ordinary way. */
void traced_is_sound(const struct traced *traced);

/* The same where events are missing: exactly as many as it says. */
void traced_is_sound_but_for_loss(const struct traced *traced);

#endif
