/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See labels.h. */
#include "labels.h"
#include "array.h"
#include "escape.h"
#include "short_name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *labels_marked(const struct location *location, char *label)
{
	size_t len = label && location->guessed ? strlen(label) : 0;
	char *marked = len ? realloc(label, len + 2) : label;

	if (!marked)
		free(label);
	else if (len)
		memcpy(marked + len, "~", 2);
	return marked;
}

char *labels_function(const struct location *location, const struct symbols_place *place)
{
	return labels_marked(location, location_name(location, place));
}

/* NAME belongs to this function, which frees or keeps it. */
static char *with_line(char *name, const struct symbols_place *place)
{
	char *label;
	int len;

	if (!name || !place->file || place->line <= 0)
		return name;
	len = asprintf(&label, "%s (%s:%d)", name, location_base_name(place->file), place->line);
	free(name);
	return len < 0 ? NULL : label;
}

char *labels_line(const struct location *location, const struct symbols_place *place)
{
	return with_line(labels_marked(location, location_name(location, place)), place);
}

char *labels_short_line(const struct location *location, const struct symbols_place *place)
{
	char *name = location_name(location, place);

	if (name)
		short_name(name);
	return with_line(labels_marked(location, name), place);
}

/* A printable copy of a text. It lives as long as the labels. */
static char *keep(struct labels *labels, char *made)
{
	char *shown = made ? escape_printable(made, strlen(made)) : NULL;
	char *kept = shown ? pool_copy(&labels->pool, shown, strlen(shown)) : NULL;

	free(made);
	free(shown);
	return kept;
}

static bool make_frame(struct labels *labels, uint32_t frame)
{
	const struct location *location = locations_get(labels->locations, frame);
	struct labels_frame made = {0};

	if (!location)
		return false;
	made.labels = pool_alloc(&labels->pool, location->places.count * sizeof *made.labels);
	if (!made.labels)
		return false;
	for (; made.count < location->places.count; made.count++) {
		char *label = keep(labels, labels->make(location, &location->places.places[made.count]));

		if (!label)
			return false;
		made.labels[made.count] = label;
	}
	labels->known[frame] = made;
	return true;
}

static bool make_room(struct labels *labels)
{
	size_t count = labels->locations->stacks->frame_count;
	struct labels_frame *grown;

	if (labels->count >= count)
		return true;
	grown = reallocarray(labels->known, count, sizeof *grown);
	if (!grown)
		return false;
	memset(grown + labels->count, 0, (count - labels->count) * sizeof *grown);
	labels->known = grown;
	labels->count = count;
	return true;
}

static bool append(struct labels *labels, char *const *more, size_t count)
{
	char **path = array_grow(labels->path, &labels->room, labels->depth + count, sizeof *path);

	if (!path)
		return false;
	labels->path = path;
	memcpy(path + labels->depth, more, count * sizeof *path);
	labels->depth += count;
	return true;
}

int labels_set_path(struct labels *labels, uint32_t stack)
{
	struct stack numbers = stacks_get(labels->locations->stacks, stack);
	static char none[] = LABELS_NONE;

	labels->depth = 0;
	if (!numbers.depth)
		return append(labels, (char *[]){none}, 1) ? 0 : -ENOMEM;
	if (!make_room(labels))
		return -ENOMEM;
	for (size_t i = 0; i < numbers.depth; i++) {
		uint32_t frame = numbers.frames[i];

		if (!labels->known[frame].count && !make_frame(labels, frame))
			return -ENOMEM;
		if (!append(labels, labels->known[frame].labels, labels->known[frame].count))
			return -ENOMEM;
	}
	return 0;
}

static bool make_thread_room(struct labels *labels, size_t count)
{
	char **grown;

	if (labels->thread_count >= count)
		return true;
	grown = reallocarray(labels->threads, count, sizeof *grown);
	if (!grown)
		return false;
	memset(grown + labels->thread_count, 0, (count - labels->thread_count) * sizeof *grown);
	labels->threads = grown;
	labels->thread_count = count;
	return true;
}

int labels_add_thread(struct labels *labels, const struct threads *threads, uint32_t place)
{
	char room[THREADS_NAME];

	if (!make_thread_room(labels, (size_t)place + 1))
		return -ENOMEM;
	if (!labels->threads[place])
		labels->threads[place] = keep(labels, strdup(threads_label(threads, place, room)));
	return labels->threads[place] && append(labels, &labels->threads[place], 1) ? 0 : -ENOMEM;
}

void labels_reverse(struct labels *labels)
{
	for (size_t i = 0, j = labels->depth; i + 1 < j; i++) {
		char *label = labels->path[--j];

		labels->path[j] = labels->path[i];
		labels->path[i] = label;
	}
}

void labels_free(struct labels *labels)
{
	free(labels->known);
	free(labels->threads);
	free(labels->path);
	pool_free(&labels->pool);
	labels->known = NULL;
	labels->path = labels->threads = NULL;
	labels->count = labels->thread_count = labels->depth = labels->room = 0;
}
