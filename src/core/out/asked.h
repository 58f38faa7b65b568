/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Marks that somebody outside of the process asks for, through the journal (journal.h). Who
 * asks may write to the process's files, and is not believed more than that: a name is
 * bounded, and what is no name ends where its room does.
 */
#ifndef LM_ASKED_H
#define LM_ASKED_H

#include "journal.h"

/* HEADER's process takes marks from now on. */
void lm_asked_begin(struct lm_journal_header *header);

/* The name of the next mark that was asked for: 1; 0 if there is none. Async-signal-safe. */
int lm_asked_next(char name[LM_JOURNAL_NAME + 1]);

/* That mark is in the trace. Called by one thread at a time. */
void lm_asked_done(void);

#endif
