/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The threads of a process image, by its THREAD lines. When a thread has ended, another
 * one can get its number, so a number stands for its thread from a line on.
 */
#ifndef LM_READER_THREADS_H
#define LM_READER_THREADS_H

#include "numbers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's names of threads are shorter, with a NUL. Others are cut. */
enum { THREADS_NAME_MAX = 64 };

struct thread {
	uint64_t number;
	uint64_t tid;                /* the kernel's number */
	char name[THREADS_NAME_MAX]; /* without \ooo */
};

struct threads {
	struct thread *list; /* one for each number, in the order of the trace; a threads of zeros is valid and empty */
	size_t count, room;
	struct numbers places;
};

/* Takes the line TEXT if it is a THREAD line: 1. 0 if it is not, or -ENOMEM. */
int threads_take(struct threads *threads, const char *text, size_t len);

/* The thread whose number is NUMBER now, or NULL. Valid until the next line is taken. */
const struct thread *threads_find(const struct threads *threads, uint64_t number);

/* The number of the thread that made an event whose line names none; 0 if that is not known. */
static inline uint64_t threads_first(const struct threads *threads)
{
	return threads->count ? threads->list[0].number : 0;
}

void threads_free(struct threads *threads);

#endif
