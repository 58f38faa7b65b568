/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A pipe's reader has to see an event soon, also if the program then does
 * nothing more. So a second process, the relay, writes out the ring of a pipe, a
 * FIFO or a socket. It is the only one that writes while it lives. It looks at
 * the ring at least every LM_RELAY_MS milliseconds.
 *
 * The relay is a child of nobody: it is forked twice, so no wait() of the
 * program's finds it. It has its own memory and shares only the ring. It keeps
 * no descriptor but the trace's. It ends when the ring is closed, when a write
 * fails, and when the program is gone (killed, or another image after exec).
 * In the last case it writes first what the program had recorded.
 *
 * What the two tell each other lies behind the journal's header, in its page.
 */
#ifndef LM_RELAY_H
#define LM_RELAY_H

#include "journal.h"

/* The longest time between two looks at the ring. */
#define LM_RELAY_MS 50

/*
 * Starts a relay for the ring behind HEADER and the stream descriptor FD. 0, or
 * -1: there can be none. Called with all signals blocked.
 */
int lm_relay_start(struct lm_journal_header *header, int fd);

/*
 * An earlier image of this process, which called exec without our knowing, may have
 * left a relay for FD, a stream. Waits until that has written what it has, for some
 * seconds at most.
 */
void lm_relay_await(int fd);

/* Does it live? If not, what it left is in the ring, and whoever asks may write that. */
int lm_relay_lives(const struct lm_journal_header *header);

/* 0, or the -errno of the write that ended it. */
int lm_relay_error(const struct lm_journal_header *header);

/* Is it in the middle of a write, which may take as long as the reader takes? */
int lm_relay_is_writing(const struct lm_journal_header *header);

/* Lets it look at the ring now. */
void lm_relay_wake(struct lm_journal_header *header);

/* Lets it end as soon as what is whole is written. */
void lm_relay_dismiss(struct lm_journal_header *header);

/* Between the two, the relay frees no bytes, so the tail stays where it is. */
void lm_relay_pause(struct lm_journal_header *header);
void lm_relay_resume(struct lm_journal_header *header);

#endif
