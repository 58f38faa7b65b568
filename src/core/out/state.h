/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Can a record be written now? One word tells it, and nothing else does.
 *
 *                 a child of fork, its first event
 *      FORKED ----------------------------------------> HELD
 *                                                        |
 *                begun                                   |
 *        HELD ----------> DIRECT <-----------------------'
 *         ^               |  |  ^
 *         |   256 records |  |  |  a thread never finishes its record
 *         |               v  |  |
 *         |              RING --'
 *         |               |  |
 *         |  the process  |  |  a write failed (and the ring is full)
 *         |  ends or execs|  v
 *         `---------------' STOPPED ------> DIRECT or RING, written again
 *
 *      any phase ----------> OFF, by a failure that does not pass, or by a detach
 *
 * FORKED    A child of fork that has not begun a trace of its own. The word
 *           lies in a page that the kernel wipes at fork, so this is 0.
 * HELD      One thread begins the trace or ends it, with all signals blocked.
 *           Others wait until it has.
 * OFF       There is no trace, or none any more.
 * STOPPED   A write failed, and may go well later. Events are counted as lost.
 * DIRECT    Each record is written at once.
 * RING      Records go through the ring (ring.h).
 *
 * WANTED is a bit of its own: the user may switch tracing off and on at any
 * time (log_malloc_trace_disable(), LOG_MALLOC_SIGNAL). So is LIMITED: account is
 * kept of which blocks are in the trace, since it has the size that the user allows
 * (limit.h) or begins a new file there (live.h). No event goes the quick way then.
 * It stays in all phases but FORKED. READY is taken away where the session has
 * something to do before the next event (rotate.h).
 *
 * The core's other parts read the word; out/ changes its phase while records
 * are written, session/ before the first and after the last.
 */
#ifndef LM_STATE_H
#define LM_STATE_H

#include <stdint.h>

#include "atomic.h"
#include "compiler.h"

enum lm_phase {
	LM_PHASE_FORKED = 0,
	LM_PHASE_HELD = 2,
	LM_PHASE_OFF = 4,
	LM_PHASE_STOPPED = 6,
	/* Records are written only in these two. They have the greatest values, so one comparison tells. */
	LM_PHASE_DIRECT = 8,
	LM_PHASE_RING = 10,
};

/* The lowest bit, so that it does not matter where words are compared. */
#define LM_STATE_LIMITED 1u
#define LM_STATE_PHASES  14u
#define LM_STATE_WANTED  16u
#define LM_STATE_READY   32u

extern struct lm_state {
	/* On the page that is wiped. An ordinary variable before there is one, and if the kernel can't wipe pages. */
	unsigned *word;
	int wanted; /* the same as the bit, which is wiped in a child */
	/* Lost events that the trace does not tell of yet. */
	uint64_t lost;
} lm_state LM_INTERNAL;

static inline unsigned lm_state_word(void)
{
	return lm_load(lm_state.word);
}

/* Is an event recorded if it comes now, without the session having to do anything? WORD: as of lm_state_word(). */
static inline int lm_state_is_traced(unsigned word)
{
	return word >= (LM_STATE_READY | LM_STATE_WANTED | LM_PHASE_DIRECT);
}

/* The same, whatever the session has to do. */
static inline int lm_state_is_recording(unsigned word)
{
	return lm_state_is_traced(word | LM_STATE_READY);
}

static inline enum lm_phase lm_state_phase_of(unsigned word)
{
	return (enum lm_phase)(word & LM_STATE_PHASES);
}

/* Is the phase RING, and the trace not LIMITED? */
static inline int lm_state_is_quick(void)
{
	return (lm_state_word() & (LM_STATE_PHASES | LM_STATE_LIMITED)) == LM_PHASE_RING;
}

static inline int lm_state_is_limited(void)
{
	return (lm_state_word() & LM_STATE_LIMITED) != 0;
}

static inline enum lm_phase lm_state_phase(void)
{
	return lm_state_phase_of(lm_load_acquire(lm_state.word));
}

static inline int lm_state_is_writing(void)
{
	return lm_state_phase() >= LM_PHASE_DIRECT;
}

/* Is there a trace, though it may be impossible to write to it just now? */
static inline int lm_state_has_trace(void)
{
	return lm_state_phase() >= LM_PHASE_STOPPED;
}

/* Moves the phase from FROM to TO: 1. If the phase is another one, it stays: 0. */
int lm_state_change(enum lm_phase from, enum lm_phase to);

/* Moves the phase to TO from any other. Returns the phase before. */
enum lm_phase lm_state_set(enum lm_phase to);

void lm_state_want(int wanted);
void lm_state_limit(void);
/* Is the session to do something before the next event? */
void lm_state_ready(int is_ready);
int lm_state_is_wanted(void);

/*
 * From here on, a child of fork finds FORKED. 0; -1 where the kernel can't wipe
 * a page: then lm_state_forked() has to be called in each child. Calls mmap().
 */
int lm_state_watch_forks(void);

/* The phase is OFF, as it was at first, and the page is given back. No other thread may be at work. */
void lm_state_release(void);

/* In a child of fork: the phase is FORKED. */
void lm_state_forked(void);

/* ---- events that are missing ---- */

static inline void lm_state_lose(uint64_t events)
{
	lm_add(&lm_state.lost, events);
}

/* Takes the number of lost events. The caller writes it to the trace, or gives it back by lm_state_lose(). */
static inline uint64_t lm_state_take_lost(void)
{
	return lm_load_ordered(&lm_state.lost) ? lm_exchange(&lm_state.lost, 0) : 0;
}

#endif
