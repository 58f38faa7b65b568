/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each consumer allocated and released, slice by slice of a process image. A slice is a stretch of time, or of
 * events. Their number is bounded, and so is the number of cells: when there are too many, each two neighbours become
 * one, and new slices are twice as long.
 */
#ifndef LM_READER_FLOW_H
#define LM_READER_FLOW_H

#include "amount.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FLOW_SLICES = 256,
	/* If there are more cells, slices become longer, as long as FLOW_SLICES_LEAST are left. */
	FLOW_CELLS = 1 << 19,
	FLOW_SLICES_LEAST = 16,
};

/* Blocks and their requested bytes. There are many, so this is less than an amount. */
struct flow_sum {
	uint64_t count, bytes;
};

/* The same of a sample, of which nobody knows what was temporary. */
struct flow_estimate {
	struct amount came, left;
};

/* What one consumer did in one slice. */
struct flow_cell {
	uint32_t slice;
	struct flow_sum came, left;
	struct flow_sum temporary; /* of what left */
};

struct flow_source {
	struct flow_cell *cells;         /* by slice */
	struct flow_estimate *estimates; /* of a sample: what the cells have, exactly; otherwise NULL */
	uint32_t count, room;
	bool has_come;
	uint64_t first, last; /* the positions at which the first and the last block came */
};

/* A flow of zeros is valid and empty. */
struct flow {
	uint64_t interval; /* the positions that one slice has */
	uint64_t position;
	struct flow_source *sources; /* by consumer */
	size_t count, room;
	size_t cells;
	uint64_t begins[FLOW_SLICES]; /* the line of the trace at which each slice begins */
	bool failed;                  /* there was no memory, and the flow is not complete */
};

/* What comes and leaves from here on does so at POSITION, which is not below the last one, and at LINE of the trace. */
void flow_advance(struct flow *flow, uint64_t position, uint64_t line);

/* A block that stands for ONE came to SOURCE, or left it. */
void flow_came(struct flow *flow, size_t source, const struct amount *one);
void flow_left(struct flow *flow, size_t source, const struct amount *one, bool temporary);

/* The slice of what happened at LINE of the trace. */
uint32_t flow_slice_of(const struct flow *flow, uint64_t line);

void flow_free(struct flow *flow);

#endif
