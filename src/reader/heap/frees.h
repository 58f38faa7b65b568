/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wrong releases. Of blocks that are not live according to the trace: foreign ones, double
 * ones and unknown ones, grouped by the place of the release. And by another way than the
 * block was asked for by, grouped by both places.
 */
#ifndef LM_READER_FREES_H
#define LM_READER_FREES_H

#include "hash.h"
#include "heap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Only so many of the last releases are checked for double frees, so that memory stays bounded. */
	FREES_SUSPECTS_MAX = 65536,
};

enum frees_kind {
	FREES_DOUBLE,     /* the trace shows that the block was released before */
	FREES_MISMATCHED, /* it was asked for by another way, such as new and free() */
	FREES_FOREIGN,    /* the tracker did not see the block allocated */
	FREES_UNKNOWN,    /* the trace does not show the block allocated */
	FREES_WRONG,      /* the number of kinds that may be wrong; these are grouped */
	/* A forked process released what its parent had allocated. These are only counted. */
	FREES_INHERITED = FREES_WRONG,
	/* The process released what it had allocated before the tracker attached. The same. */
	FREES_BEFORE,
	FREES_KINDS,
};

/* What happened to an address before, according to the trace. */
struct frees_past {
	bool released; /* it was allocated, then released, and not used again */
	uint64_t released_line;
	enum lm_call allocated_by;
	uint64_t allocated_line;
	uint32_t allocated_stack;
};

/* Releases of one kind with one backtrace. Those without a backtrace are grouped by function. */
struct frees_group {
	enum frees_kind kind;
	enum lm_call call;
	enum lm_way release, asked; /* of a mismatch */
	uint32_t stack;
	uint64_t count;
	uint64_t address; /* of the first release */
	uint64_t line;    /* of the first release, in the trace */
	struct frees_past past;
};

struct trace_item;

/* A release that may be a double one. */
struct frees_suspect {
	uint64_t address;
	uint64_t line;
	enum frees_kind kind;
	enum lm_call call;
	enum lm_way release, asked;
	uint32_t stack;
	struct frees_past past;
};

struct frees {
	struct frees_group *groups; /* a frees of zeros is valid and empty */
	size_t count, room;
	struct hash_table table;
	uint64_t counts[FREES_KINDS];
	uint64_t suppressed;            /* mismatches that the user accepts, which are not counted above */
	struct frees_suspect *suspects; /* a ring, ordered by line */
	size_t suspect_count, suspect_first, suspect_room; /* if the ring is full, the first goes next */
	struct frees_suspect *calls;                       /* that have not returned, in their order */
	size_t call_count, call_room;
	bool has_before; /* set by the caller before it adds any: the tracker attached, so foreign blocks can be older
	                  */
	bool sees_part;  /* some code allocates or releases without the tracker seeing it */
};

/*
 * Notes that CHANGE released a block that was not in use. To be called by a heap for
 * what it missed, with a struct frees as CONTEXT. 0 or -ENOMEM.
 */
int frees_add(void *context, const struct heap_change *change);

/*
 * Makes the groups at the end of image number IMAGE, double frees first. The trace at
 * PATH is read once more, for what happened to the addresses before. PATH is NULL for a
 * stream, which can't be read again: then no release counts as double. 0 or -errno.
 */
int frees_finish(struct frees *frees, const char *path, unsigned image);

/*
 * Notes that ITEM, a TRACE_CALLING, is about to be made; and that ITEM, a TRACE_CALL, returned. frees_finish() takes a
 * call that never returned for one of a block that was not in use. 0 or -ENOMEM.
 */
int frees_call(struct frees *frees, const struct trace_item *item);
void frees_return(struct frees *frees, const struct trace_item *item);

/*
 * Notes that ITEM, a TRACE_CALLING that is a mismatch, releases BLOCK; NULL if the trace does not show where it came
 * from. 0 or -ENOMEM.
 */
int frees_mismatch(struct frees *frees, const struct trace_item *item, const struct heap_block *block);

/* "double", "mismatched", "foreign", "unknown", "inherited", "from_before". */
const char *frees_kind_name(enum frees_kind kind);

void frees_free(struct frees *frees);

#endif
