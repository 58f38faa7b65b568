/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The threads of one process image. A number of the trace belongs to one thread after
 * another, each of which has a place of its own here. Memory does not grow without
 * bounds, however many threads a program starts one after another.
 */
#ifndef LM_READER_THREADS_H
#define LM_READER_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* So many threads are told apart. Those that come later are put together with those that are not known. */
	THREADS_MAX = 65536,
	/* Numbers from here on are taken for threads that are not known. No process has so many threads at once. */
	THREADS_NUMBERS = 1 << 20,
	/* Longer names are cut. The kernel's have 15 bytes. */
	THREADS_NAME = 32,
	/* The place of all threads that are not known. */
	THREADS_OTHER = 0,
};

struct thread {
	uint32_t number;         /* in the trace; 0 for THREADS_OTHER */
	uint64_t tid;            /* the kernel's number, if NAME is known */
	char name[THREADS_NAME]; /* its last one, decoded; "" if it is not known */
};

struct threads {
	struct thread *list; /* a threads of zeros is valid and empty */
	size_t count, room;
	uint32_t *places; /* by number: the place of the thread that has it now; THREADS_OTHER: none has had it yet */
	size_t numbers, numbers_room;
	uint32_t first; /* the number of the first thread that was named; 0: none was */
};

/* From here on, NUMBER is the thread TID, and has this name, written as in a trace. 0 or -ENOMEM. */
int threads_name(struct threads *threads, uint64_t number, uint64_t tid, const char *name, size_t len);

/* For threads_place(): a number that has no thread yet. */
int threads_meet(struct threads *threads, uint32_t number, uint32_t *place);

/* Finds the place of the thread that has NUMBER now. If none has had it, makes one. 0 or -ENOMEM. */
static inline int threads_place(struct threads *threads, uint32_t number, uint32_t *place)
{
	*place = number < threads->numbers ? threads->places[number] : THREADS_OTHER;
	return *place != THREADS_OTHER || number == 0 ? 0 : threads_meet(threads, number, place);
}

/* Is more than one thread known so far? */
static inline bool threads_are_several(const struct threads *threads)
{
	return threads->count > THREADS_OTHER + 2;
}

/* The thread at PLACE. Valid until the next event. */
const struct thread *threads_get(const struct threads *threads, uint32_t place);

/* What to call it: its name, or else "thread NUMBER" or "(thread not known)". ROOM is used for the second. */
const char *threads_label(const struct threads *threads, uint32_t place, char room[THREADS_NAME]);

void threads_free(struct threads *threads);

#endif
