/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The file that a ring lies in: where it is, how it is made and mapped, and what
 * becomes of one that an earlier image of the process, or another process, left there.
 */
#ifndef LM_JOURNAL_FILE_H
#define LM_JOURNAL_FILE_H

#include "journal.h"

/*
 * What an earlier image of this process left in the journal of the trace that
 * FD is open on goes into the trace. 0, or -errno: it has to be done again,
 * before anything else is written.
 */
int lm_journal_file_take_over(int fd);

/*
 * Makes the journal of the trace that FD is open on, and maps it. *PATH: for
 * lm_journal_file_remove(). NULL where there can be none: lm_ring_open() says
 * where.
 */
struct lm_journal_header *lm_journal_file_make(int fd, const char **path);

void lm_journal_file_remove(const char *path);

void lm_journal_file_unmap(struct lm_journal_header *header);

/* Memory that nobody else sees in its place: who still writes there does no harm. */
void lm_journal_file_let_go(struct lm_journal_header *header);

/* Its ring, mapped twice in a row. */
static inline unsigned char *lm_journal_file_ring(struct lm_journal_header *header)
{
	return (unsigned char *)header + LM_JOURNAL_HEADER;
}

#endif
