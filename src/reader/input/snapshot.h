/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A journal and the size of its trace, as they were at one moment, though the process goes on.
 *
 * The journal is read and never mapped, so it can be cut at any time without harm.
 */
#ifndef LM_READER_SNAPSHOT_H
#define LM_READER_SNAPSHOT_H

#include "journal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct snapshot {
	int fd;                          /* of the journal; set by the caller, the rest is zero */
	struct lm_journal_header header; /* read before the ring was copied */
	uint64_t tail;                   /* of that header */
	uint64_t head;                   /* the end of the stream before the copies began, or later */
	unsigned char *early, *ring;     /* two copies of the ring, one after the other */
	struct stat before, trace;       /* the trace before the copies and after them */
	struct lm_journal_header later;  /* read last */
	struct lm_journal_trailer trailer;
	bool at_rest;  /* the process wrote nothing to the trace meanwhile */
	bool is_sound; /* the process says that it has written up to the trace's size */
};

/*
 * Takes snapshots until one is consistent; of a process that never rests, the last of some tries is taken. 0 or -errno:
 * -ENOENT if the journal was removed, -ENODATA if it was cut. *FAULT is what is wrong, or NULL. Where the header has no
 * magic number, the process has only made the file so far, and nothing else is known. After errors, too, the snapshot
 * has to be freed.
 */
int snapshot_take(struct snapshot *s, int trace, const char **fault);

/* Does not close the journal. */
void snapshot_free(struct snapshot *s);

#endif
