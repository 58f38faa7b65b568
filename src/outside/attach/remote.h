/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a stopped thread of another process call functions and the kernel, and gives it back as it was: all registers,
 * its signal mask, and the system call that it was in. The thread has all signals blocked meanwhile, so they stay
 * pending, and it works on a stack of its own. No signal is used, since that could change what the program does with
 * it.
 */
#ifndef LM_OUTSIDE_REMOTE_H
#define LM_OUTSIDE_REMOTE_H

#include "machine.h"
#include "stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REMOTE_MORE = 4, REMOTE_MORE_SIZE = 32768, REMOTE_STACK = 262144 };

struct remote {
	struct stop *stop;
	pid_t tid;
	uint64_t gadget; /* an instruction in the process that makes a system call */
	uint64_t stack;  /* REMOTE_STACK bytes of the process, the low half for data */
	bool others_ran; /* the other threads had to run, as the call waited for one of them */
	uint64_t mask;   /* of the thread's signals */
	struct stop_registers before, now;
	struct {
		size_t size; /* 0: the kernel does not have these */
		unsigned char bytes[REMOTE_MORE_SIZE];
	} more[REMOTE_MORE];
};

/*
 * Takes a thread of STOP, in which all threads are stopped. 0; -EAGAIN: no thread is fit for it at this moment; or
 * -errno. CODE and SIZE: executable memory of the process in which the instruction can be found.
 */
int remote_begin(struct remote *remote, struct stop *stop, uint64_t code, uint64_t size);

/* Gives the thread back. 0, or -errno: -ESRCH if the process ended. */
int remote_end(struct remote *remote);

/* What the kernel returns goes to RESULT: a negative number is an error. 0, or -errno if the call can't be made. */
int remote_syscall(struct remote *remote, long number, const uint64_t arguments[MACHINE_ARGUMENTS], int64_t *result);

/* The same of a function. -ETIMEDOUT: it did not return. */
int remote_call(struct remote *remote, uint64_t function, const uint64_t arguments[MACHINE_ARGUMENTS],
                uint64_t *result);

/* Where the process has room for data of the caller's, and how much. It lies on the thread's stack. */
uint64_t remote_room(const struct remote *remote);
enum { REMOTE_ROOM = REMOTE_STACK / 2 };

#endif
