/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which blocks of a process can still be reached, from outside. While all threads stand, reach_copy() copies what can
 * hold pointers. The process may run again while reach_mark() follows the pointers in the copy. The words and their
 * meaning are those of valgrind's memcheck; docs/lost.md says what counts as a root, and why.
 */
#ifndef LM_REACH_H
#define LM_REACH_H

#include "copy.h"
#include "unreached.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stop;

struct reach_block {
	uint64_t address; /* as the program has it, with its tag if there is one */
	uint64_t size;    /* requested bytes */
	enum reach reach;
	bool may_be_array; /* it may come from new[], which can put the number of elements in front of these */
	unsigned char tag; /* while reach_mark() is at work: what it took off the address */
};

struct reach_copy {
	struct copy memory;
	bool is_partial; /* there are blocks that the caller does not know: the allocator's memory may hold them */
	size_t scanned;  /* set by reach_mark(): bytes that it looked through */
};

/*
 * Can be called before the process is stopped, to keep the stop short: gets memory for the copy, and finds what is the
 * tracker's. 0 or -errno.
 */
int reach_prepare(struct reach_copy *copy, pid_t pid);

/*
 * Copies what marking needs; all threads of STOP stand. BLOCKS, of which there are COUNT, may be NULL here. COPY has to
 * be zeros, or prepared. 0 or -errno; reach_free() has to be called in either case.
 */
int reach_copy(struct reach_copy *copy, const struct stop *stop, struct reach_block *blocks, size_t count);

/* Sorts BLOCKS by their addresses without tags, and sets how each of them is reached. 0, -ENOMEM, or -E2BIG. */
int reach_mark(struct reach_copy *copy, struct reach_block *blocks, size_t count);

void reach_free(struct reach_copy *copy);

#endif
