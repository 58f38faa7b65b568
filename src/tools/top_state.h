/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What log-malloc-top shows: samples of the consumers of a process image, taken now and
 * then; growth since a mark, and rates between two samples. Where the trace goes on in a
 * new file, the mark stays, and rates begin anew. No terminal, no clock.
 */
#ifndef LM_TOP_STATE_H
#define LM_TOP_STATE_H

#include "consumers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum top_sort { TOP_LIVE, TOP_BLOCKS, TOP_GROWTH, TOP_RATE, TOP_ALLOCATED, TOP_SORTS };

/* A consumer as it is shown. */
struct top_row {
	uint32_t consumer; /* its place in the consumers' list */
	struct amount live, allocated;
	int64_t growth; /* live bytes since the mark; or all */
	uint64_t rate;  /* bytes allocated a second */
};

/* What is known of a consumer at a moment. */
struct top_point {
	uint64_t live, allocated; /* bytes */
};

struct top_points {
	struct top_point *list; /* by the consumers' places; those that came later had nothing */
	size_t count;
	uint64_t time; /* milliseconds */
	struct top_point all;
	uint64_t calls; /* allocations in all */
};

/* Under less milliseconds than this, a rate is left to chance. */
enum { TOP_SHORT_MS = 100 };

/* What a backtrace held at the mark. In each file, it has another place, so it is known by its frames. */
struct top_held {
	uint64_t frames; /* their hash */
	uint64_t live;
};

/* A top_state of zeros is valid and empty. */
struct top_state {
	struct top_points mark, before; /* BEFORE: the last sample; rates are measured from there */
	bool has_mark;
	struct top_held *held; /* the mark was set in an older file: sorted; NULL: it was not */
	size_t held_count;
	bool is_new; /* BEFORE is the beginning of a file, of which there is no sample yet */
	/* The present sample: */
	struct top_row *rows; /* those that allocated something, in the order that was asked for */
	size_t count, room;
	struct amount live, peak, allocated;
	int64_t growth;
	bool has_rates; /* else they are not known yet, and 0: */
	uint64_t rate;  /* bytes a second */
	uint64_t calls; /* allocations a second */
};

/* Takes a sample at TIME, in milliseconds of a clock that only goes on. STACKS: the consumers'. 0 or -ENOMEM. */
int top_state_sample(struct top_state *state, const struct consumers *consumers, const struct stacks *stacks,
                     uint64_t time);

/* The next sample's rates are those since the beginning, which was at TIME. */
void top_state_restart(struct top_state *state, uint64_t time);

/* The trace goes on in a new file, which CONSUMERS and STACKS do not have. 0 or -ENOMEM. */
int top_state_leave_file(struct top_state *state, const struct consumers *consumers, const struct stacks *stacks);

/* That file began at TIME. */
void top_state_begin_file(struct top_state *state, uint64_t time);

/* Sorts the rows, the most first. */
void top_state_sort(struct top_state *state, enum top_sort sort);

/* From now on, growth is what came since the present sample. 0 or -ENOMEM. */
int top_state_mark(struct top_state *state);

void top_state_free(struct top_state *state);

#endif
