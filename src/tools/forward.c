/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See forward.h. */
#include "forward.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The terminal sends SIGINT and SIGQUIT to the command as well, and the command
 * may live on: log-malloc ignores them. If SIGCHLD was ignored, the kernel would
 * throw the exit status away. The other signals are passed on.
 */
static const int ignored[] = {SIGINT, SIGQUIT};
static const int forwarded[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

enum { IGNORED = sizeof ignored / sizeof *ignored, FORWARDED = sizeof forwarded / sizeof *forwarded };

/* As they were, for the command. */
static struct {
	bool is_known; /* forward_prepare() was called */
	struct sigaction ignored[IGNORED], forwarded[FORWARDED], child;
	sigset_t mask;
} before;

/* 0: there is no process to pass signals on to. */
static volatile sig_atomic_t receiver;

/* A signal that stops what log-malloc does behind the command; 0: none. */
static volatile sig_atomic_t caught;

static void forward(int signal)
{
	int saved_errno = errno;

	if (receiver > 0)
		kill((pid_t)receiver, signal);
	errno = saved_errno;
}

void forward_prepare(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, deflt = {.sa_handler = SIG_DFL};
	struct sigaction pass = {.sa_handler = forward, .sa_flags = SA_RESTART};
	sigset_t block;

	sigemptyset(&block);
	for (int i = 0; i < FORWARDED; i++)
		sigaddset(&block, forwarded[i]);
	sigprocmask(SIG_BLOCK, &block, &before.mask);
	before.is_known = true;
	sigaction(SIGCHLD, &deflt, &before.child);
	for (int i = 0; i < IGNORED; i++)
		sigaction(ignored[i], &ignore, &before.ignored[i]);
	for (int i = 0; i < FORWARDED; i++) {
		sigaction(forwarded[i], &pass, &before.forwarded[i]);
		/* What nohup has turned off stays off. */
		if (before.forwarded[i].sa_handler == SIG_IGN)
			sigaction(forwarded[i], &ignore, NULL);
	}
}

void forward_restore(void)
{
	if (!before.is_known)
		return;
	sigaction(SIGCHLD, &before.child, NULL);
	for (int i = 0; i < IGNORED; i++)
		sigaction(ignored[i], &before.ignored[i], NULL);
	for (int i = 0; i < FORWARDED; i++)
		sigaction(forwarded[i], &before.forwarded[i], NULL);
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
}

void forward_to(pid_t pid)
{
	receiver = pid;
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
}

void forward_stop(void)
{
	receiver = 0;
}

/* Did whoever started log-malloc turn SIGNAL off, as nohup does? */
static bool was_ignored(int signal)
{
	struct sigaction now;

	if (!before.is_known)
		return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
	for (int i = 0; i < IGNORED; i++) {
		if (ignored[i] == signal)
			return before.ignored[i].sa_handler == SIG_IGN;
	}
	for (int i = 0; i < FORWARDED; i++) {
		if (forwarded[i] == signal)
			return before.forwarded[i].sa_handler == SIG_IGN;
	}
	return false;
}

static void catch (int signal)
{
	caught = signal;
}

void forward_catch(void)
{
	static const int stopping[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
	struct sigaction stop = {.sa_handler = catch, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
		if (!was_ignored(stopping[i]))
			sigaction(stopping[i], &stop, NULL);
	}
}

int forward_caught(void)
{
	return caught;
}
