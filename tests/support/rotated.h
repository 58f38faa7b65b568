/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of a sampled trace with a limit, as a program has written them to the test's directory. A mean distance of
 * a byte puts each block into the sample.
 */
#ifndef LM_TEST_ROTATED_H
#define LM_TEST_ROTATED_H

#include "support.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROTATED_SETTINGS "LOG_MALLOC_QUIET=1 LOG_MALLOC_SAMPLE=1 "

enum { ROTATED_OLD_MAX = 999 };

struct block {
	uint64_t address, size, tid;
	char *frames; /* the lines of its backtrace */
};

struct blocks {
	struct block *list;
	size_t count;
};

struct file {
	struct blocks first, last; /* what was live at its begin and at its end, by address */
	bool has_first;            /* it says what was live at its begin */
	bool is_torn;              /* a kill came in the middle of a record */
	uint64_t images, malformed, lost, events, limit, parent;
	enum trace_ending ending;
	long long size;
};

struct file rotated_read(const char *path);

/* The number of the oldest file of the trace PATH, or 0. */
int rotated_oldest(const char *path);

/*
 * Checks that each file of the trace PATH, the oldest first, begins with what the one before ended with, and is no
 * larger than LIMIT, and that there are no more than KEEP older ones. Returns the youngest.
 */
struct file rotated_follow(const char *path, int keep, long long limit);

/* Checks that the blocks from 3000 to 3499 bytes that FILE ended with are those that the program PRINTED. */
void rotated_has_printed(const struct file *file, const char *printed);

#endif
