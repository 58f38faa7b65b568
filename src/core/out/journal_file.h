/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The file that a ring lies in: how it is made and mapped, and what becomes of
 * one that an earlier image of the process, or another process, left there.
 */
#ifndef LM_JOURNAL_FILE_H
#define LM_JOURNAL_FILE_H

#include "journal.h"

/* Of address space that a journal takes: its header and its ring, and the ring once more, so that no record wraps. */
#define LM_JOURNAL_MAPPED (LM_JOURNAL_SIZE + LM_JOURNAL_RING)

/* The path of the journal of the trace that FD is open on. The arena's; NULL where the trace's can't be told. */
const char *lm_journal_file_path(int fd);

/*
 * What was left in the journal PATH of the trace that FD is open on goes into
 * the trace, and the journal is removed. One that does not belong to the trace
 * stays, and so does one that somebody else could have written: it has to be a
 * regular file of ours with one name, which only we may write to. 0; or
 * -errno: it has to be done again, before anything else is written.
 */
int lm_journal_file_take_over(const char *path, int fd);

/*
 * Makes and maps the journal PATH of the trace that FD is open on, whose stream
 * goes on at position START. NULL where there can be none: FD is no regular
 * file, is written by others, too, or belongs to another user; a file of that name is there; no memory,
 * no space.
 */
struct lm_journal_header *lm_journal_file_make(const char *path, int fd, uint64_t start);

void lm_journal_file_remove(const char *path);

void lm_journal_file_unmap(struct lm_journal_header *header);

/* Memory that nobody else sees in its place. Threads that still write there do no harm. */
void lm_journal_file_detach(struct lm_journal_header *header);

/* Its ring, mapped twice in a row. */
static inline unsigned char *lm_journal_file_ring(struct lm_journal_header *header)
{
	return (unsigned char *)header + LM_JOURNAL_HEADER;
}

#endif
