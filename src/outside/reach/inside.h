/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The exceptions among pointers into the inside of a block: what points there is as good as a pointer to the start.
 * They are those of memcheck's --leak-check-heuristics=all.
 */
#ifndef LM_REACH_INSIDE_H
#define LM_REACH_INSIDE_H

#include "reach.h"

/* What is known of addresses that were taken for those of C++'s tables of virtual functions. Zeros are valid. */
struct inside {
	struct {
		uint64_t address;
		bool is_table;
	} known[1024];
};

/* Does POINTER, into the inside of BLOCK, count as one to its start? */
bool inside_counts(struct inside *inside, const struct copy *copy, const struct reach_block *block, uint64_t pointer);

#endif
