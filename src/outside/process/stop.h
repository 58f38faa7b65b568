/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stops all threads of a process by ptrace, reads and writes their registers, and lets them go on. The process does
 * not see that, except that it stands still for a moment. Not for several threads of ours: ptrace belongs to the
 * thread that attached.
 */
#ifndef LM_OUTSIDE_STOP_H
#define LM_OUTSIDE_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The greatest set of general registers of a machine that we know, in words. */
enum { STOP_REGISTERS_MAX = 72 };

struct stop_registers {
	size_t size; /* bytes that are used */
	union {
		uint64_t words64[STOP_REGISTERS_MAX];
		uint32_t words32[2 * STOP_REGISTERS_MAX];
		unsigned char bytes[8 * STOP_REGISTERS_MAX];
	};
};

struct stop_thread {
	pid_t tid;
	int signal;    /* a signal that was about to be delivered, and is delivered when the thread goes on; or 0 */
	bool is_group; /* it stands in a group stop (SIGSTOP), and stays there when we let it go */
	bool is_stopped;
	struct stop_registers registers;
};

struct stop {
	pid_t pid;
	struct stop_thread *threads; /* the first one is the main thread, if that has not ended */
	size_t count;
	size_t room;
};

/*
 * Attaches to all threads of process PID and stops them, those too that they start meanwhile. 0 with STOP, or -errno:
 * then nothing is attached. -ETIMEDOUT: a thread does not stop, since it waits in the kernel for a disk, or for a child
 * of vfork().
 */
int stop_attach(struct stop *stop, pid_t pid);

/*
 * Lets all threads run, or one of them, without letting go of them; and stops those again that run. 0 or -errno: -ESRCH
 * if the process ended.
 */
int stop_resume(struct stop *stop);
int stop_resume_thread(struct stop_thread *thread);
int stop_again(struct stop *stop);

/* While threads run: one that is to get a signal stands until it is passed on. To be called again and again. */
void stop_pass_signals(struct stop *stop);

/* Lets go of all threads; each gets the signal that it was to get. STOP is empty then. */
void stop_release(struct stop *stop);

/* Waits MS milliseconds for the next stop of thread TID. 0 with what waitpid() says, -ESRCH if it ended, -ETIMEDOUT. */
int stop_wait(pid_t tid, int *status, int ms);

/* The letter that /proc has for what thread TID does: R if it runs, S if it sleeps; X if it has ended. */
char stop_state(pid_t pid, pid_t tid);

/*
 * A thread of process PID that has not ended, and by whose number the kernel tells of the process's memory and files:
 * PID, unless its main thread has ended alone. 0: the process has ended.
 */
pid_t stop_find_thread(pid_t pid);

/* Reads the registers of a stopped thread into it; writes REGISTERS to it. 0 or -errno. */
int stop_read_registers(struct stop_thread *thread);
int stop_write_registers(const struct stop_thread *thread, const struct stop_registers *registers);

#endif
