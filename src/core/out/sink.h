/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where the bytes of the trace go. A record is written whole, and in order: for
 * any address, the order of lm_sink_write() calls is the order in the trace. Once
 * lm_sink_write() has returned, the record survives the process, whatever ends it.
 *
 * The first records are written at once. Later ones go through a ring (ring.h). So
 * a program that records little needs no journal, and its whole trace is in one
 * file at any moment. There is no ring for a file that no journal can be made
 * beside, and none for a terminal, a device, or a socket with messages. A pipe's
 * ring lies in memory, and a second process writes it out (relay.h). state.h has
 * the phases.
 */
#ifndef LM_SINK_H
#define LM_SINK_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "ring.h"
#include "signals.h"
#include "state.h"

/* Records are shorter than this, in bytes. */
#define LM_SINK_RECORD_MAX ((size_t)1 << 20)

/* ---- records ---- */

/*
 * Writes COUNT parts as one record; of several, the first has at least
 * LM_JOURNAL_RECORD_MIN bytes. PARTS has room for one more, and may be changed. SLOT is the calling thread's own. 0; or
 * -1, and the record is lost. What that does to the phase is dealt with here. No lock may be held that another thread's
 * allocation needs.
 */
int lm_sink_write(struct lm_ring_slot *slot, struct iovec *parts, int count);

/*
 * The calling thread, THREAD is its number, writes several records: what each of them costs beside its write is done
 * once. It has blocked all signals: SIGNALS. 1; or 0: each is written by itself. In between, it must not wait for
 * others.
 */
int lm_sink_begin_several(const struct lm_signals *signals, int thread);
void lm_sink_end_several(void);

/* Does a record go through the ring, so that it can be put together in its place? */
static inline int lm_sink_is_quick(void)
{
	return lm_state_is_quick();
}

/*
 * The quick way: ring.h says how. NULL where the record has to be written by
 * lm_sink_write(), which will find out why.
 */
static inline unsigned char *lm_sink_reserve(struct lm_ring_slot *slot, size_t length, int *error)
{
	*error = 0;
	return lm_ring_reserve(slot, (uint32_t)length, 0, error);
}

static inline int lm_sink_commit(struct lm_ring_slot *slot, unsigned char *place, uint64_t first)
{
	return lm_ring_commit(slot, place, first, 0);
}

/* A write failed with ERROR: -errno, or an error of lm_ring_reserve(). 0: ERROR is 0 or -EAGAIN. -1: the record is
 * lost. */
int lm_sink_failed(int error);

/* Is lm_sink_tick() due at MS? */
int lm_sink_is_due(uint64_t ms);

/* Lets the trace's readers see what is older than 100 ms. MS: the time, from any beginning. */
void lm_sink_tick(uint64_t ms);

/* Lets the trace's readers see what is whole by now, in the trace itself, where it can be written. */
void lm_sink_flush(void);

/* In a packed trace, text records are filled up with blanks to a multiple of eight bytes. Before lm_sink_open(). */
void lm_sink_set_packed(int is_packed);

/* Records are few: their ring is to take little memory. Before the first one. */
void lm_sink_set_sparse(int is_sparse);

/* There will be no ring: each record is in the trace when lm_sink_write() returns. Before the first one. */
void lm_sink_set_direct(void);

/*
 * How many bytes of records this process has handed over. As a difference: positions
 * in the ring that nobody filled are counted, too.
 */
uint64_t lm_sink_size(void);

/* ---- by the thread that begins the trace, ends it, or makes it go on ---- */

/* Keeps a private duplicate of FD, the trace's descriptor. Returns the duplicate, or -errno. */
int lm_sink_open(int fd);

/*
 * Before lm_sink_begin(): FD is open on an empty file beside the trace, made for the journal. Keeps a duplicate. 0, or
 * -errno.
 */
int lm_sink_give_journal(int fd);

/*
 * FD, which lm_sink_open() returned, is this process's trace. Writes what an
 * earlier image left in the journal: 0; or -errno, and lm_sink_resume() has to
 * try that again. Called before the phase changes.
 */
int lm_sink_begin(int fd);

/*
 * Holds the phase between two events, for a file that goes directly: other threads wait until lm_sink_go_on(). 0; or
 * -EAGAIN: the process ends, or nothing can be written now.
 */
int lm_sink_pause(struct lm_signals *signals);
void lm_sink_go_on(const struct lm_signals *signals);

/* In between: what this thread writes goes to the next file (next.h), or not any more. */
void lm_sink_divert(int is_diverted);

/* In between: the next file is the trace from now on. */
void lm_sink_move(void);

/* The same as lm_sink_write() in any phase. If the trace can't be written, appends to the sealed ring. */
int lm_sink_write_first(struct lm_ring_slot *slot, struct iovec *parts, int count);

/*
 * Tries to go on with a stopped trace: writes first what could not be written
 * before. 0, and *NEXT is the phase that should follow; or -errno. Must not be
 * called in the middle of a record.
 */
int lm_sink_resume(enum lm_phase *next);

/*
 * The process ends, or calls exec: writes everything into the trace, and removes
 * the journal. Other threads wait, and all signals are blocked, until
 * lm_sink_release(). 0; -errno: not all could be written, and the journal has the
 * rest; -EBADF: there is no trace.
 */
int lm_sink_hold(struct lm_signals *signals);

/*
 * Other threads go on. The process may end at any moment now, which would cut a
 * direct write of another thread in two. So they record into another ring.
 */
void lm_sink_release(const struct lm_signals *signals);

/* Exec failed, so the process does not end. */
void lm_sink_goes_on(void);

/*
 * Called instead of lm_sink_release() by a thread that runs none of the program's code any more. No thread can write
 * directly from here on.
 */
void lm_sink_lock_out(void);

/* In a child of fork: nothing more is written to the parent's trace, not even a record that was begun. */
void lm_sink_leave(void);

/* The same, and forgets that trace; or forgets one that has ended. Must not be called in the middle of a record. */
void lm_sink_forget(void);

/* The -errno for which the trace is not written now, or 0. */
int lm_sink_error(void);

#endif
