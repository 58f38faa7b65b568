/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Releases of blocks that were not in use as far as the trace tells, by where
 * they were released: foreign ones, double ones, unknown ones.
 */
#ifndef LM_READER_FREES_H
#define LM_READER_FREES_H

#include "hash.h"
#include "heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* So many of the last ones are looked into for double frees: memory stays bounded. */
	FREES_SUSPECTS_MAX = 65536,
};

enum frees_kind {
	FREES_DOUBLE,  /* the trace shows an allocation and a release before */
	FREES_FOREIGN, /* the tracker did not see the block allocated */
	FREES_UNKNOWN, /* the trace does not show it allocated */
	FREES_WRONG,   /* so many kinds that can be wrong: those come in groups */
	/* A forked process released what its parent had allocated: only counted. */
	FREES_INHERITED = FREES_WRONG,
	FREES_KINDS,
};

/* What the trace shows of an address before. */
struct frees_past {
	bool released; /* it was allocated and released, and nothing since */
	uint64_t released_line;
	enum lm_call allocated_by;
	uint64_t allocated_line;
	uint32_t allocated_stack;
};

/* Releases of one kind with one backtrace; without one, of one function. */
struct frees_group {
	enum frees_kind kind;
	enum lm_call call;
	uint32_t stack;
	uint64_t count;
	uint64_t address; /* of the first one */
	uint64_t line;    /* where that is in the trace */
	struct frees_past past;
};

/* One release that may be a double one. */
struct frees_suspect {
	uint64_t address;
	uint64_t line;
	enum frees_kind kind;
	enum lm_call call;
	uint32_t stack;
	struct frees_past past;
};

struct frees {
	struct frees_group *groups; /* a frees of zeros is an empty one */
	size_t count, room;
	struct hash_table table;
	uint64_t counts[FREES_KINDS];
	struct frees_suspect *suspects;                    /* a ring, in the order of their lines */
	size_t suspect_count, suspect_first, suspect_room; /* full, the first is the next to go */
	bool sees_part; /* memory is allocated or released where the tracker does not see it */
};

/* CHANGE released a block that was not in use: what a heap is to call, with a struct frees as its CONTEXT. 0 or
 * -ENOMEM. */
int frees_add(void *context, const struct heap_change *change);

/*
 * At the end of the image with that number: makes the groups, double ones
 * first. The trace at PATH is read once more for what happened to these
 * addresses before; NULL if it is a stream, which cannot be: nothing is a double
 * one then. 0 or -errno.
 */
int frees_finish(struct frees *frees, const char *path, unsigned image);

/* "double", "foreign", "unknown", "inherited". */
const char *frees_kind_name(enum frees_kind kind);

void frees_free(struct frees *frees);

#endif
