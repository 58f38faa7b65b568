/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See thread.h. */
#include "thread.h"

#include <limits.h>
#include <stddef.h>

#include "arena.h"
#include "atomic.h"
#include "process.h"
#include "ring.h"
#include "state.h"
#include "sys.h"
#include "unwind.h"

/* A new thread looks at so many entries for one whose owner is gone, before it makes another. */
#define LOOK_AT 8

/*
 * Between two looks at its name, a thread looks at the clock as often as it did before the first of them, but not more
 * often than this. So a name that is given late is noticed within about a thousand events.
 */
#define NAME_PAUSE_MAX 64

static struct lm_thread *list;
/* Where the last search ended. */
static struct lm_thread *cursor;
static unsigned last_number;
/* The thread that began the trace, as long as no other one is in it. Its lines do not say whose they are. */
static struct lm_thread *alone;
unsigned lm_thread_file;

/* The first of all entries. Those of threads that ended are among them. */
static struct lm_thread *first(void)
{
	return lm_load_acquire(&list);
}

static int is_gone(int process, int thread)
{
	return lm_sys(SYS_tgkill, process, thread, 0) == -ESRCH;
}

/* The trace does not name the thread. At its next event, the thread looks at the clock and finds that. */
static void be_unknown(struct lm_thread *thread)
{
	thread->looks = thread->name_at = 0;
	thread->until_clock = thread->between_clocks = 0;
}

void lm_thread_clean_up(struct lm_thread *thread)
{
	lm_unwind_forget(&thread->unwind);
	lm_sizemap_abandon_move(&thread->move);
	lm_ring_abandon_record(&thread->slot);
}

static struct lm_thread *taken_over(int process, int self)
{
	struct lm_thread *thread = lm_load_acquire(&cursor);

	for (int i = 0; i < LOOK_AT; i++) {
		int owner;

		if (!thread)
			thread = first();
		if (!thread)
			return NULL;
		owner = lm_load(&thread->owner);
		/* We have no entry yet. So an owner with our thread id is dead, and the kernel reused its id. */
		if ((owner == self || is_gone(process, owner)) && lm_compare_exchange(&thread->owner, &owner, self)) {
			lm_thread_clean_up(thread);
			be_unknown(thread);
			return thread;
		}
		thread = thread->next;
		lm_store_release(&cursor, thread);
	}
	return NULL;
}

static struct lm_thread *made(int self)
{
	struct lm_thread *thread = lm_arena_alloc(sizeof *thread);

	if (!thread)
		return NULL;
	thread->owner = self;
	thread->slot.owner = &thread->owner;
	thread->number = lm_add(&last_number, 1);
	if (thread->number > LM_LINE_THREAD_MAX)
		thread->number = 0;
	thread->end_length = lm_line_end(thread->end, thread->number);
	lm_unwind_forget(&thread->unwind);
	thread->next = lm_load(&list);
	while (!lm_compare_exchange(&list, &thread->next, thread))
		;
	lm_ring_join(&thread->slot);
	lm_account_join(&thread->books);
	return thread;
}

/* In a child of vfork, which runs in its parent's memory: that parent's process id. Else 0. */
static int visited(void)
{
	enum lm_phase phase = lm_state_phase();

	/* A child of fork has memory of its own. While nothing is traced, the owner of the memory is not recorded. */
	if (phase == LM_PHASE_FORKED || phase == LM_PHASE_OFF || lm_process_is_owner())
		return 0;
	return (int)lm_process_owner();
}

struct lm_thread *lm_thread_claim(void)
{
	int self = (int)lm_sys(SYS_gettid), host = visited();
	/*
	 * To a child of vfork, the parent's threads look gone, so it must not take
	 * over their entries. Its new entry gets the parent as owner: the parent's
	 * thread goes on using it after the child, so no other thread may take it.
	 */
	struct lm_thread *thread = host ? NULL : taken_over((int)lm_sys(SYS_getpid), self);

	if (!thread)
		thread = made(host ? host : self);
	if (thread)
		thread->tls = &lm_tls;
	lm_tls.thread = thread;
	return thread;
}

/* The child does not have this thread. What it was in the middle of will never be finished. */
static void forget(struct lm_thread *thread)
{
	lm_sizemap_abandon_move(&thread->move);
	lm_store_release(&thread->slot.announced, 0);
}

void lm_thread_forked(struct lm_thread *forker)
{
	int process = (int)lm_sys(SYS_getpid), self = (int)lm_sys(SYS_gettid);

	for (struct lm_thread *thread = first(); thread; thread = thread->next) {
		if (thread == lm_tls.thread)
			thread->owner = self;
		else if (thread == forker)
			thread->owner = process;
		/* If the forker is not known, no entry may be taken over: each could be the forker's. */
		else if (!forker && self != process)
			thread->owner = process;
		if (thread != lm_tls.thread && thread != forker)
			forget(thread);
		/* The child's trace is another one. */
		be_unknown(thread);
		thread->end_length = lm_line_end(thread->end, thread->number);
	}
	alone = NULL;
}

/* Nothing else in the process has the address of an entry. So where it stands, THREAD's owner left it. */
static void part(const struct lm_thread *thread)
{
	struct lm_tls *tls = thread->tls;

	if (!tls || !lm_sys_readable((uintptr_t)&tls->thread) || tls->thread != thread)
		return;
	tls->thread = NULL;
	tls->is_light = 0;
	lm_tls_forget_draw(tls);
}

void lm_thread_release(void)
{
	for (const struct lm_thread *thread = first(); thread; thread = thread->next)
		part(thread);
	list = cursor = alone = NULL;
	last_number = 0;
}

/* ---- the thread's number and name in the trace ---- */

void lm_thread_begins(struct lm_thread *thread)
{
	if (!thread)
		return;
	lm_store(&thread->end_length, 1);
	lm_store(&alone, thread);
	lm_thread_is_named(thread);
}

/* The text of END stays, so that its thread may copy it just now. */
void lm_thread_is_coming(const struct lm_thread *thread)
{
	struct lm_thread *first = lm_load(&alone);

	if (!first || first == thread)
		return;
	lm_store(&first->end_length, lm_line_end_length(first->number));
	lm_store_release(&alone, NULL);
}

void lm_thread_is_named(struct lm_thread *thread)
{
	unsigned pause = thread->looks < NAME_PAUSE_MAX ? thread->looks : NAME_PAUSE_MAX;

	thread->file = lm_load(&lm_thread_file);
	thread->name_at = thread->looks < UINT_MAX - pause ? thread->looks + (pause ? pause : 1) : UINT_MAX;
	thread->until_clock = thread->between_clocks = 0;
}

void lm_thread_renew(void)
{
	lm_thread_is_coming(NULL);
	lm_add(&lm_thread_file, 1);
}

int lm_thread_are_several(void)
{
	return !lm_load(&alone);
}
