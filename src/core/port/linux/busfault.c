/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See busfault.h. */
#include "busfault.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "atomic.h"
#include "sys.h"

static struct {
	uintptr_t start;
	size_t size; /* 0: nothing is protected */
	int happened;
} region;

/* The program's, as of when ours was put in front of it. */
static struct sigaction programs;

static void handle(int number, siginfo_t *info, void *context);

/* A fault happens again when its instruction is repeated; a signal that was sent has to be sent again. */
static void take_default(int number, const siginfo_t *info)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	sigaction(number, &action, NULL);
	if (info->si_code <= 0) {
		int process = (int)lm_sys(SYS_getpid), thread = (int)lm_sys(SYS_gettid);

		lm_sys(SYS_tgkill, process, thread, number);
	}
}

static void pass_on(int number, siginfo_t *info, void *context)
{
	if (programs.sa_flags & SA_SIGINFO)
		programs.sa_sigaction(number, info, context);
	else if (programs.sa_handler == SIG_DFL || (programs.sa_handler == SIG_IGN && info->si_code > 0))
		take_default(number, info);
	else if (programs.sa_handler != SIG_IGN)
		programs.sa_handler(number);
}

/* The kernel says where the fault was, but for signals that were sent. */
static void handle(int number, siginfo_t *info, void *context)
{
	const int access = PROT_READ | PROT_WRITE, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	uintptr_t start = lm_load_acquire(&region.start);
	size_t size = lm_load_acquire(&region.size);
	int saved = errno;

	if (info->si_code > 0 && (uintptr_t)info->si_addr - start < size &&
	    mmap((void *)start, size, access, how, -1, 0) != MAP_FAILED)
		lm_store_release(&region.happened, 1);
	else
		pass_on(number, info, context);
	errno = saved;
}

static int is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO && action->sa_sigaction == handle;
}

void lm_busfault_check(void)
{
	struct sigaction action, before;
	int saved = errno;

	if (lm_load(&region.size) && sigaction(SIGBUS, NULL, &before) == 0 && !is_ours(&before)) {
		/* The program's handler runs as it wanted to: with its mask, and on its stack. */
		action = before;
		action.sa_flags |= SA_SIGINFO;
		if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
			sigemptyset(&action.sa_mask);
			action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
		}
		action.sa_flags &= ~(int)SA_RESETHAND;
		action.sa_sigaction = handle;
		programs = before;
		sigaction(SIGBUS, &action, NULL);
	}
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

void lm_busfault_unprotect(void)
{
	struct sigaction now;
	int saved = errno;

	if (lm_exchange(&region.size, 0) && sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now))
		sigaction(SIGBUS, &programs, NULL);
	errno = saved;
}

int lm_busfault_has_happened(void)
{
	return lm_load_acquire(&region.happened);
}
