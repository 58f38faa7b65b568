/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker keeps for each thread: its share of the books, its record
 * in the ring, its last backtrace. lm_tls.thread points to it. When its owner is
 * gone, another thread takes it over. So a program that starts threads again and
 * again does not use more and more memory.
 *
 * Only the owner writes to it, and only if the guard was LM_GUARD_IDLE before. A
 * signal handler that interrupts the tracker uses nothing of it but the record.
 */
#ifndef LM_THREAD_H
#define LM_THREAD_H

#include <stdint.h>

#include "account.h"
#include "atomic.h"
#include "compiler.h"
#include "guard.h"
#include "line.h"
#include "ring.h"
#include "sizemap.h"
#include "unwind_memory.h"

/* The kernel's limit for a thread's name, its NUL included. */
#define LM_THREAD_NAME 16

struct lm_thread {
	struct lm_account_share books; /* first, so that its address is that of the whole struct */
	struct lm_thread *next;
	struct lm_tls *tls; /* what its owner finds it by */
	int owner;          /* thread id */
	unsigned number;    /* in the trace; from 1. 0: the number is too great for a line */
	struct lm_ring_slot slot;
	struct lm_sizemap_move move;
	/* How many events are left until the next look at the clock, and how many there are between two looks. */
	unsigned until_clock, between_clocks;
	/* Where triggers look at each event (triggers.h), UNTIL_CLOCK stays 0, and this counts down. */
	unsigned until_look;
	int64_t looked_at;  /* what BOOKS had in use when the thread last looked at the triggers */
	unsigned looked_in; /* in which trace of the process that was, from 1; 0: never */
	/* How often the thread looked at the clock, and at which look it looks at its name. 0: not announced yet. */
	unsigned looks, name_at;
	unsigned file;  /* of the trace, the one that names the thread */
	uint64_t clock; /* the time at the last look, in milliseconds */
	/* The end of the thread's lines: the last END_LENGTH bytes of END. Other threads change END_LENGTH, too. */
	char end[LM_LINE_TAIL];
	unsigned end_length;
	char name[LM_THREAD_NAME]; /* as the trace has it */
	struct lm_unwind_memory unwind;
	struct lm_emit_room *room; /* emit_careful.c; or NULL */
};

/* Takes over or makes an entry for the calling thread, which has none. NULL if there is no memory. */
struct lm_thread *lm_thread_claim(void);

/*
 * The call that THREAD was in the middle of is never finished: its thread left it by longjmp, was cancelled or is gone.
 * What the call had changed by halves is forgotten, and its record is given up.
 */
void lm_thread_clean_up(struct lm_thread *thread);

/*
 * Called in a child of fork at its first event. FORKER is the entry of the thread
 * that forked, or NULL if that is not known. Of all entries, only FORKER and the
 * calling thread's belong to threads that the child has.
 */
void lm_thread_forked(struct lm_thread *forker);

/*
 * No thread has an entry any more; the arena has what was. All other threads have to stand still, outside of the
 * tracker. A thread may have ended, and its thread-local storage with it.
 */
void lm_thread_release(void);

/* ---- the thread's number and name in the trace ---- */

/* THREAD begins the trace of this process image, and is announced in it. It can be NULL. */
void lm_thread_begins(struct lm_thread *thread);

/* THREAD is about to be announced. From here on, the lines of all threads say whose they are. */
void lm_thread_is_coming(const struct lm_thread *thread);

/* The trace names THREAD, the calling thread, as THREAD->name says. Its next event looks at the clock. */
void lm_thread_is_named(struct lm_thread *thread);

/* The trace begins a new file: it names no thread yet, and each line in it says whose it is. */
void lm_thread_renew(void);

/* The number of the trace's file. */
extern unsigned lm_thread_file LM_INTERNAL;

/* Does the trace name THREAD? */
static inline int lm_thread_is_announced(const struct lm_thread *thread)
{
	return thread->name_at != 0 && thread->file == lm_load(&lm_thread_file);
}

/* Is it time to look at the name of THREAD, or to announce it? */
static inline int lm_thread_is_unnamed(const struct lm_thread *thread)
{
	return thread->looks >= thread->name_at || !lm_thread_is_announced(thread);
}

/* Do lines say which thread's they are? */
int lm_thread_are_several(void);

static inline struct lm_thread *lm_thread_self(void)
{
	struct lm_thread *thread = lm_tls.thread;

	return __builtin_expect(thread != 0, 1) ? thread : lm_thread_claim();
}

#endif
