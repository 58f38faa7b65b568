/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a traced process has recorded and its trace does not have yet, out of
 * the journal beside the trace (src/journal.h): the rest of a killed process,
 * or the latest of a running one. A journal can contain anything.
 */
#ifndef LM_READER_RECOVERY_H
#define LM_READER_RECOVERY_H

#include "diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of the places of calls that had not returned. */
enum recovery_gaps {
	RECOVERY_LEAVE_OUT,
	/*
	 * As many bytes that say nothing: the trace's size goes on telling what
	 * of the journal it has, even if only a part of this gets there.
	 */
	RECOVERY_FILL,
};

struct recovery {
	char *journal; /* its path */
	int file;      /* the descriptor that it was read from; only valid with a path */
	char *text;    /* belongs behind the trace; it can begin in the middle of a record */
	size_t len;
	uint64_t size; /* bytes of the trace that it belongs behind */
	uint64_t pid;  /* the process; 0 if it did not come to say so */
};

/*
 * Looks for the journal of the trace that the descriptor TRACE is open on,
 * and that was opened as PATH. 1; 0 if there is none, or none that belongs to
 * the trace as it is, after telling DIAG why; -errno.
 */
int recovery_find(struct recovery *recovery, int trace, const char *path, enum recovery_gaps gaps,
                  const struct diag *diag);

void recovery_free(struct recovery *recovery);

/* Removes the journal of a trace that is begun anew. What is no journal stays. */
void recovery_discard(int trace, const char *path);

#endif
