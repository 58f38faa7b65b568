/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=gcc: _Unwind_Backtrace() of the compiler's own library. It knows every
 * machine that the compiler knows, and the compiler links it with every program.
 * See unwind.h.
 *
 * Unlike our own unwinders, it believes what the tables say, and takes locks. In a
 * static program it has one of its own, and allocates under it once
 * (docs/unwind-gcc.md). So nobody may need it while the tracker is inside.
 */
#include <errno.h>
#include <pthread.h>
#include <unwind.h>

#include "atomic.h"
#include "guard.h"
#include "trace_format.h"
#include "trim.h"
#include "unwind.h"
#include "unwind_memory.h"
#include "wait.h"

/* About 100 ms: a fork waits no longer for a thread that does not come out of libgcc. */
#define FORK_ROUNDS 1000

static int inside;  /* threads in libgcc */
static int forking; /* threads that are about to fork: no other one goes in */
static int started;

/* This thread is in libgcc; or was, and a handler left it by longjmp. */
static __thread volatile int is_inside;

/* ---- the walk ---- */

struct walk {
	uintptr_t *pcs; /* the caller's is there before the walk begins */
	unsigned count, max;
	unsigned own; /* frames of the tracker that were passed */
	int is_outside;
};

static _Unwind_Reason_Code take(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	uintptr_t pc = _Unwind_GetIP(context);

	/* On some machines, the outermost frame has this caller. */
	if (!pc)
		return _URC_END_OF_STACK;
	if (walk->is_outside)
		walk->pcs[walk->count++] = pc;
	else if (pc == walk->pcs[0])
		walk->is_outside = 1;
	else
		walk->own++;
	return walk->count < walk->max && walk->own <= LM_UNWIND_OWN ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void go_in(struct walk *walk)
{
	is_inside = 1;
	lm_add(&inside, 1);
	if (!lm_load_ordered(&forking))
		_Unwind_Backtrace(take, walk);
	lm_add(&inside, -1);
	is_inside = 0;
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	struct walk walk = {.pcs = memory ? memory->pcs : room, .count = max > 0, .max = max};

	/* Only a handler on top of the tracker has no memory. With memory, the call that was inside is gone. */
	if (memory && is_inside) {
		lm_add(&inside, -1);
		is_inside = 0;
	}
	if (max)
		walk.pcs[0] = caller->pc;
	if (max > 1 && !is_inside && lm_unwind_ready())
		go_in(&walk);
	*unwound =
		(struct lm_unwound){.pcs = walk.pcs, .count = walk.count, .sum = lm_unwound_sum(walk.pcs, walk.count)};
}

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	(void)memory;
}

void lm_unwind_flush(void)
{
}

/* ---- fork: the child would find libgcc's lock taken for ever ---- */

static void before_fork(void)
{
	lm_add(&forking, 1);
	for (unsigned round = 0; lm_load_ordered(&inside) > is_inside && round < FORK_ROUNDS; round++)
		lm_wait_pause(round);
}

static void in_parent(void)
{
	lm_add(&forking, -1);
}

static void in_child(void)
{
	lm_store(&inside, is_inside);
	lm_store(&forking, 0);
}

/* ---- the first calls ---- */

static void watch_forks(void)
{
	pthread_atfork(before_fork, in_parent, in_child);
}

/* The first call sets up what the others only read. */
static void set_up(void)
{
	uintptr_t none[1] = {UINTPTR_MAX};
	struct walk walk = {.pcs = none, .max = 1, .own = LM_UNWIND_OWN};

	go_in(&walk);
}

/* What CALL allocates is none of the program's calls. */
static void call_guarded(void (*call)(void), enum lm_guard_state state)
{
	uintptr_t sp = lm_tls.caller_sp;
	unsigned char guard;

	/* With the greatest stack pointer, no call finds the guard stale meanwhile. */
	lm_tls.caller_sp = UINTPTR_MAX;
	guard = lm_guard_set(state);
	call();
	lm_guard_restore(guard);
	lm_tls.caller_sp = sp;
}

void lm_unwind_start(void)
{
	int saved = errno;

	/* musl allocates a few bytes for that, and never releases them. */
	call_guarded(watch_forks, LM_GUARD_REAL);
	started = 1;
	if (lm_unwind_ready())
		set_up();
	errno = saved;
}

/*
 * In a static program, libgcc gets its tables after the constructors with a
 * priority. With its first call after that, it allocates under its lock. If the
 * program made that call, the allocation would be an event, whose walk needs the lock.
 */
__attribute__((constructor)) static void construct(void)
{
	if (started)
		call_guarded(set_up, LM_GUARD_TRACKER);
}
