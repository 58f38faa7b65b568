/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See threads.h. */
#include "threads.h"
#include "array.h"
#include "cursor.h"
#include "escape.h"
#include "trace_format.h"

#include <errno.h>
#include <stdlib.h>

static void set_name(struct thread *thread, const char *text, size_t len)
{
	if (len >= sizeof thread->name)
		len = sizeof thread->name - 1;
	thread->name[escape_decode(thread->name, text, len)] = '\0';
}

/* The entry for NUMBER, which is made if there is none. NULL if there is no memory. */
static struct thread *entry(struct threads *threads, uint64_t number)
{
	uint32_t place = numbers_find(&threads->places, number);
	struct thread *list;

	if (place != NUMBERS_NONE)
		return &threads->list[place];
	list = array_grow(threads->list, &threads->room, threads->count + 1, sizeof *list);
	if (!list)
		return NULL;
	threads->list = list;
	if (numbers_set(&threads->places, number, (uint32_t)threads->count) != 0)
		return NULL;
	return &list[threads->count++];
}

int threads_take(struct threads *threads, const char *text, size_t len)
{
	struct cursor c = cursor_start(text, len);
	struct thread *thread;
	uint64_t number, tid;

	if (!cursor_literal(&c, "# " LM_TRACE_THREAD " ") || !cursor_number(&c, &number) || !cursor_byte(&c, ' ') ||
	    !cursor_number(&c, &tid))
		return 0;
	thread = entry(threads, number);
	if (!thread)
		return -ENOMEM;
	thread->number = number;
	thread->tid = tid;
	cursor_byte(&c, ' ');
	set_name(thread, c.at, (size_t)(c.end - c.at));
	return 1;
}

const struct thread *threads_find(const struct threads *threads, uint64_t number)
{
	uint32_t place = numbers_find(&threads->places, number);

	return place == NUMBERS_NONE ? NULL : &threads->list[place];
}

void threads_free(struct threads *threads)
{
	free(threads->list);
	numbers_free(&threads->places);
	*threads = (struct threads){0};
}
