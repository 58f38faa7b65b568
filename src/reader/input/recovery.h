/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the journal beside a trace (src/format/journal.h): what a process has
 * recorded and its trace does not have yet. The process was killed, or it is alive.
 */
#ifndef LM_READER_RECOVERY_H
#define LM_READER_RECOVERY_H

#include "diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to do with the places of records that are not whole. */
enum recovery_gaps {
	RECOVERY_LEAVE_OUT,
	/*
	 * They become lines of the same length that say nothing, and words that begin no record in a packed trace. So
	 * the trace's size still tells how much of the journal it has, even if it gets only a part.
	 */
	RECOVERY_FILL,
	/* The text ends in front of the first one. It may be whole a moment later. */
	RECOVERY_STOP,
};

struct recovery {
	char *journal; /* its path */
	int file;      /* the descriptor that it was read from; only valid with a path */
	char *text;    /* what to read behind the trace; it can begin in the middle of a record */
	size_t len;
	uint64_t size; /* the text comes behind so many bytes of the trace */
	uint64_t pid;  /* of the process; 0 if that is not known */
	bool is_copy;  /* the journal and the trace are copies */
};

/*
 * Looks for the journal of the trace that is open as TRACE and was opened by PATH.
 * Returns 1 if there is one. Returns 0 if there is none, or none that can be used;
 * DIAG is told why not. Returns -errno if something else fails.
 */
int recovery_find(struct recovery *recovery, int trace, const char *path, enum recovery_gaps gaps,
                  const struct diag *diag);

void recovery_free(struct recovery *recovery);

#endif
