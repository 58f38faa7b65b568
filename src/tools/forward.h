/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signals that log-malloc gets while the command runs: those that are
 * passed on to it, and those that the terminal sends to both.
 */
#ifndef LM_FORWARD_H
#define LM_FORWARD_H

#include <sys/types.h>

/*
 * To be called before fork(). The signals that are passed on are blocked until
 * forward_to() names a process.
 */
void forward_prepare(void);

/* In the command's process: all signals are as they were before forward_prepare(), if that was called. */
void forward_restore(void);

/* In ours: passes signals on to PID from now on. */
void forward_to(pid_t pid);

/* In ours: passes nothing on any more. What arrives from now on is dropped. */
void forward_stop(void);

/*
 * In ours, behind forward_stop() or without forward_prepare(): signals that ask log-malloc to end, the terminal's
 * included, are noted, since there is work that can be left.
 */
void forward_catch(void);

/* The last such signal, or 0. */
int forward_caught(void);

#endif
