/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See busfault.h. */
#include "busfault.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#include "atomic.h"
#include "signals.h"
#include "sys.h"

static struct {
	uintptr_t start;
	size_t size; /* 0: nothing is protected */
	int happened;
} region;

/*
 * A program that sets a handler is told which one was set before. If that was
 * ours, the program may call it from its own handler, or set it again one day. So
 * each handler of the program's that we replace gets a level, and each level has a
 * handler of ours. Levels are never given up.
 */
#define LEVELS 4

static struct level {
	struct sigaction programs;
	int is_used;
	int is_spent; /* the program's handler was for one signal only (SA_RESETHAND), and has had it */
} levels[LEVELS];

static void handle(unsigned level, int number, siginfo_t *info, void *context);

#define HANDLER(level)                                                                                                 \
	static void handle_##level(int number, siginfo_t *info, void *context)                                         \
	{                                                                                                              \
		handle(level, number, info, context);                                                                  \
	}

HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)

static void (*const handlers[LEVELS])(int, siginfo_t *, void *) = {handle_0, handle_1, handle_2, handle_3};

/* ---- a signal that is not ours ---- */

/* A fault happens again, since its instruction is repeated. A signal that was sent is sent again. */
static void send_again(int number, const siginfo_t *info)
{
	int process = (int)lm_sys(SYS_getpid), thread = (int)lm_sys(SYS_gettid);

	if (info->si_code <= 0)
		lm_sys(SYS_rt_tgsigqueueinfo, process, thread, number, info);
}

static void take_default(int number, const siginfo_t *info)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(number, &action, NULL);
	send_again(number, info);
}

static void pass_on(struct level *level, int number, siginfo_t *info, void *context)
{
	const struct sigaction *programs = &level->programs;
	int is_default = programs->sa_handler == SIG_DFL || lm_load(&level->is_spent);

	if (is_default || (programs->sa_handler == SIG_IGN && info->si_code > 0)) {
		take_default(number, info);
		return;
	}
	if (programs->sa_flags & SA_RESETHAND)
		lm_store(&level->is_spent, 1);
	if (programs->sa_flags & SA_SIGINFO)
		programs->sa_sigaction(number, info, context);
	else if (programs->sa_handler != SIG_IGN)
		programs->sa_handler(number);
}

/*
 * Was a signal sent while the tracker has signals blocked? SIGBUS is not blocked
 * then (signals.h), but the program's handler has to wait until the others are
 * unblocked. A program can't block the two signals that libc keeps for itself, so
 * a mask with those but without SIGBUS is the tracker's.
 */
static int is_premature(const siginfo_t *info, const ucontext_t *context)
{
	const unsigned long *words = (const void *)&context->uc_sigmask;
	const unsigned bits = 8 * sizeof *words;

	return info->si_code <= 0 && (words[31 / bits] >> 31 % bits & 1) && (words[32 / bits] >> 32 % bits & 1);
}

/* ---- ours ---- */

/* The kernel says where the fault was, but for signals that were sent. */
static void handle(unsigned level, int number, siginfo_t *info, void *context)
{
	uintptr_t start = lm_load_acquire(&region.start);
	size_t size = lm_load_acquire(&region.size);
	ucontext_t *interrupted = context;
	int saved = errno;

	if (info->si_code > 0 && (uintptr_t)info->si_addr - start < size &&
	    lm_sys_map_zeros((void *)start, size) == 0) {
		lm_store_release(&region.happened, 1);
	} else if (is_premature(info, interrupted)) {
		sigaddset(&interrupted->uc_sigmask, number);
		send_again(number, info);
	} else {
		pass_on(&levels[level], number, info, context);
	}
	errno = saved;
}

/* The level whose handler ACTION has; LEVELS: it is none of ours. */
static unsigned level_of(const struct sigaction *action)
{
	unsigned level = 0;

	while (level < LEVELS && !(action->sa_flags & SA_SIGINFO && action->sa_sigaction == handlers[level]))
		level++;
	return level;
}

static int is_same(const struct sigaction *a, const struct sigaction *b)
{
	return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags &&
	       __builtin_memcmp(&a->sa_mask, &b->sa_mask, LM_SIGNALS_SIZE) == 0;
}

/* The level for the program's ACTION. LEVELS: all are used for others. */
static unsigned level_for(const struct sigaction *action)
{
	for (unsigned i = 0; i < LEVELS; i++) {
		if (levels[i].is_used && !is_same(&levels[i].programs, action))
			continue;
		levels[i].programs = *action;
		levels[i].is_used = 1;
		lm_store(&levels[i].is_spent, 0);
		return i;
	}
	return LEVELS;
}

/* The program's handler runs as it wanted to: with its mask, and on its stack. */
static void put_in_front_of(const struct sigaction *before)
{
	struct sigaction action = *before;
	unsigned level = level_for(before);

	if (level == LEVELS)
		return;
	action.sa_flags |= SA_SIGINFO;
	if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
		sigemptyset(&action.sa_mask);
		action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
	}
	action.sa_flags &= ~(int)SA_RESETHAND;
	action.sa_sigaction = handlers[level];
	sigaction(SIGBUS, &action, NULL);
}

void lm_busfault_check(void)
{
	struct sigaction before;
	int saved = errno;

	if (lm_load(&region.size) && sigaction(SIGBUS, NULL, &before) == 0 && level_of(&before) == LEVELS)
		put_in_front_of(&before);
	errno = saved;
}

void lm_busfault_protect(void *start, size_t size)
{
	lm_store_release(&region.size, 0);
	lm_store_release(&region.happened, 0);
	lm_store_release(&region.start, (uintptr_t)start);
	lm_store_release(&region.size, size);
	lm_busfault_check();
}

/* The program's handler is set again as it was, or as its one signal left it. */
static void give_back(unsigned level)
{
	struct sigaction action = levels[level].programs;

	if (lm_load(&levels[level].is_spent))
		action = (struct sigaction){.sa_handler = SIG_DFL};
	sigaction(SIGBUS, &action, NULL);
}

void lm_busfault_unprotect(void)
{
	struct sigaction now;
	int saved = errno;

	if (lm_exchange(&region.size, 0) && sigaction(SIGBUS, NULL, &now) == 0 && level_of(&now) < LEVELS)
		give_back(level_of(&now));
	errno = saved;
}

int lm_busfault_has_happened(void)
{
	return lm_load_acquire(&region.happened);
}
