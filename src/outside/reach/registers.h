/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the registers of a stopped thread say, on the machines that we know. */
#ifndef LM_REACH_REGISTERS_H
#define LM_REACH_REGISTERS_H

#include "stop.h"

#include <stddef.h>
#include <stdint.h>

struct registers_thread {
	pid_t tid;
	uint64_t sp; /* 0: not known */
	uint64_t tp; /* the thread pointer, which thread-local storage is found by; 0: not known */
	size_t count;
	uint64_t registers[2 * STOP_REGISTERS_MAX];
};

/* The bytes below the stack pointer that code may use. */
enum { MACHINE_RED_ZONE = 128 };

/* Bytes of a pointer in process PID: 4 or 8. */
unsigned registers_word(pid_t pid);

/* The thread has to be stopped. WORD: the bytes of a pointer. */
void registers_read(struct registers_thread *thread, const struct stop_thread *stopped, unsigned word);

#endif
