/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See threads.h. */
#include "threads.h"
#include "array.h"
#include "escape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct thread other;

/* Gives NUMBER, which is below THREADS_NUMBERS, to a new thread. 0 or -ENOMEM. */
static int add(struct threads *threads, uint32_t number)
{
	uint32_t *places = array_grow(threads->places, &threads->numbers_room, (size_t)number + 1, sizeof *places);
	struct thread *list;

	if (!places)
		return -ENOMEM;
	threads->places = places;
	while (threads->numbers <= number)
		places[threads->numbers++] = THREADS_OTHER;
	places[number] = THREADS_OTHER;
	if (threads->count == THREADS_MAX)
		return 0;
	list = array_grow(threads->list, &threads->room, threads->count + 2, sizeof *list);
	if (!list)
		return -ENOMEM;
	threads->list = list;
	if (!threads->count)
		list[threads->count++] = other;
	list[threads->count] = (struct thread){.number = number};
	places[number] = (uint32_t)threads->count++;
	return 0;
}

int threads_meet(struct threads *threads, uint32_t number, uint32_t *place)
{
	int error;

	*place = THREADS_OTHER;
	if (number >= THREADS_NUMBERS || threads->count == THREADS_MAX)
		return 0;
	error = add(threads, number);
	if (!error)
		*place = threads->places[number];
	return error;
}

/* The same thread can be named again, with another name. */
static int is_known(const struct threads *threads, uint32_t number, uint64_t tid)
{
	uint32_t place = number < threads->numbers ? threads->places[number] : THREADS_OTHER;

	return place != THREADS_OTHER && threads->list[place].tid == tid;
}

static void set_name(struct thread *thread, const char *name, size_t len)
{
	char decoded[4 * THREADS_NAME];

	len = escape_decode(decoded, name, len < sizeof decoded ? len : sizeof decoded);
	len = len < THREADS_NAME - 1 ? len : THREADS_NAME - 1;
	memcpy(thread->name, decoded, len);
	thread->name[len] = '\0';
}

int threads_name(struct threads *threads, uint64_t number, uint64_t tid, const char *name, size_t len)
{
	uint32_t place;
	int error = 0;

	if (number == 0 || number >= THREADS_NUMBERS)
		return 0;
	if (!threads->first)
		threads->first = (uint32_t)number;
	if (!is_known(threads, (uint32_t)number, tid))
		error = add(threads, (uint32_t)number);
	place = error ? THREADS_OTHER : threads->places[number];
	if (place == THREADS_OTHER)
		return error;
	threads->list[place].tid = tid;
	set_name(&threads->list[place], name, len);
	return 0;
}

const struct thread *threads_get(const struct threads *threads, uint32_t place)
{
	return place < threads->count ? &threads->list[place] : &other;
}

const char *threads_label(const struct threads *threads, uint32_t place, char room[THREADS_NAME])
{
	const struct thread *thread = threads_get(threads, place);

	if (thread->name[0])
		return thread->name;
	if (!thread->number)
		return "(thread not known)";
	snprintf(room, THREADS_NAME, "thread %" PRIu32, thread->number);
	return room;
}

void threads_free(struct threads *threads)
{
	free(threads->list);
	free(threads->places);
	*threads = (struct threads){0};
}
