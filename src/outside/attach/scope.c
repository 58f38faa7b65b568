/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See scope.h. */
#include "scope.h"
#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = sizeof(uint64_t) };

static bool is_map(const struct loaded_list *list, uint64_t address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].map == address)
			return true;
	}
	return false;
}

static uint64_t read_word(pid_t pid, uint64_t at)
{
	uint64_t word = 0;

	return memory_read(pid, at, &word, sizeof word) == sizeof word ? word : 0;
}

static int write_word(pid_t pid, uint64_t at, uint64_t word)
{
	return memory_write(pid, at, &word, sizeof word);
}

/* ---- glibc: an array of link maps, which the program's link map points to -------------- */

/* The program's struct link_map is about 1,200 bytes long. */
enum { MAP_WORDS = 256, SCOPE_MAX = 100000 };

struct array {
	uint64_t at;
	uint64_t *maps;
	uint32_t count;
	uint32_t ours; /* our library's index */
};

/*
 * Is there an array of COUNT link maps at AT, which begins with the program and has our library once? Nothing is left
 * of ARRAY if not. Objects that the list does not have (the vdso, or unreadable ones) are allowed, but no null
 * pointers.
 */
static bool is_scope(struct array *array, const struct loaded_list *list, uint64_t at, uint32_t count)
{
	const uint64_t tracker = loaded_tracker(list)->map;
	size_t found = 0, known = 0;

	*array = (struct array){.at = at, .count = count};
	if (count < 2 || count > SCOPE_MAX || at % WORD || read_word(list->pid, at) != list->items[0].map)
		return false;
	array->maps = malloc(count * sizeof *array->maps);
	if (!array->maps || memory_read(list->pid, at, array->maps, count * WORD) != count * WORD)
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		known += is_map(list, array->maps[i]);
		if (array->maps[i] == tracker) {
			array->ours = i;
			found++;
		}
	}
	if (found == 1 && known + 1 >= count)
		return true;
	free(array->maps);
	array->maps = NULL;
	return false;
}

/* Finds the pointer and the count in the program's link map. They have to be the only ones of that kind. */
static int find_scope(struct array *array, const struct loaded_list *list)
{
	uint64_t words[MAP_WORDS];
	size_t count = memory_read(list->pid, list->items[0].map, words, sizeof words) / WORD, found = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		struct array candidate;

		if (!is_scope(&candidate, list, words[i], (uint32_t)words[i + 1]))
			continue;
		if (!found || candidate.at != array->at) {
			found++;
			*array = candidate;
		} else {
			free(candidate.maps);
		}
	}
	if (found == 1)
		return 0;
	if (found)
		free(array->maps);
	return -EINVAL;
}

/* Moves our library to place TO. At each moment, whoever looks finds every object at least once but ours. */
static int move(const struct loaded_list *list, struct array *array, uint32_t to)
{
	const uint64_t tracker = array->maps[array->ours];
	int error;

	if (to > array->ours)
		memmove(array->maps + array->ours, array->maps + array->ours + 1,
		        (to - array->ours) * sizeof *array->maps);
	else
		memmove(array->maps + to + 1, array->maps + to, (array->ours - to) * sizeof *array->maps);
	array->maps[to] = tracker;
	error = memory_write(list->pid, array->at, array->maps, array->count * WORD);
	free(array->maps);
	return error;
}

static int move_in_array(const struct loaded_list *list, bool to_front)
{
	struct array array;
	int error = find_scope(&array, list);

	return error ? error : move(list, &array, to_front ? 1 : array.count - 1);
}

/* ---- musl: a chain through its struct dso, which begins as a link map does -------------- */

/* The field lies behind the five that a link map has, and the program headers' and symbols' pointers. */
enum { FIELD_FIRST = 5, FIELD_LAST = 24 };

/* Follows the chain of the field from the program on. Its last object; 0 if that is no such chain. */
static uint64_t end_of_chain(const struct loaded_list *list, size_t field, size_t *length)
{
	uint64_t at = list->items[0].map, next;

	for (*length = 1; *length <= list->count; (*length)++) {
		if (memory_read(list->pid, at + field * WORD, &next, sizeof next) != sizeof next)
			return 0;
		if (!next)
			return at;
		if (!is_map(list, next))
			return 0;
		at = next;
	}
	return 0;
}

/* The field whose chain ends with our library; 0 if there is none, or more than one. */
static size_t find_field(const struct loaded_list *list, uint64_t last)
{
	size_t found = 0, length;

	for (size_t field = FIELD_FIRST; field <= FIELD_LAST; field++) {
		if (end_of_chain(list, field, &length) != last || length < 3)
			continue;
		if (found)
			return 0;
		found = field;
	}
	return found;
}

/* Calls JOB for each word of libc's data. */
static void each_data_word(const struct loaded_list *list, uint64_t value, struct scope_end *end)
{
	const struct loaded *libc = loaded_libc(list);

	for (size_t i = 0; i < libc->segment_count; i++) {
		const struct loaded_segment *segment = &libc->segments[i];
		uint64_t start = (segment->start + WORD - 1) & ~(uint64_t)(WORD - 1);

		for (uint64_t at = start; segment->writable && at + WORD <= segment->end; at += WORD) {
			if (read_word(list->pid, at) == value && end->count < SCOPE_WORDS)
				end->words[end->count++] = at;
		}
	}
}

/* The object at the end of the chain of global objects. All objects are in it that were loaded at the start. */
static uint64_t find_last(const struct loaded_list *list)
{
	uint64_t last = 0, other;
	size_t longest = 0, length;

	for (size_t field = FIELD_FIRST; field <= FIELD_LAST; field++) {
		other = end_of_chain(list, field, &length);
		if (other && length > longest) {
			longest = length;
			last = other;
		}
	}
	return longest > 1 ? last : 0;
}

void scope_read_end(struct scope_end *end, const struct loaded_list *list)
{
	const struct loaded *libc = loaded_libc(list);

	*end = (struct scope_end){.last = 0};
	if (!libc || !libc->is_musl)
		return;
	end->last = find_last(list);
	if (end->last)
		each_data_word(list, end->last, end);
}

/*
 * The loader has a variable that points to the last object. It pointed to the one that was last before ours, and points
 * to ours now; no other variable did both.
 */
static uint64_t find_variable(const struct loaded_list *list, const struct scope_end *end, uint64_t ours)
{
	uint64_t found = 0;

	for (int i = 0; i < end->count; i++) {
		if (read_word(list->pid, end->words[i]) != ours)
			continue;
		if (found)
			return 0;
		found = end->words[i];
	}
	return found;
}

static int chain_to_front(const struct loaded_list *list, const struct scope_end *end)
{
	const uint64_t program = list->items[0].map, ours = loaded_tracker(list)->map;
	const size_t field = find_field(list, ours);
	const uint64_t variable = find_variable(list, end, ours), offset = field * WORD;
	int error;

	if (!field || !variable || !end->last || read_word(list->pid, end->last + offset) != ours)
		return -EINVAL;
	/* The old end is the end again, then ours is put behind the program. */
	error = write_word(list->pid, end->last + offset, 0);
	if (!error)
		error = write_word(list->pid, variable, end->last);
	if (!error)
		error = write_word(list->pid, ours + offset, read_word(list->pid, program + offset));
	return error ? error : write_word(list->pid, program + offset, ours);
}

/* Out of the chain: the loader puts an object that is in none at the end when it is asked for it. */
static int chain_to_back(const struct loaded_list *list)
{
	const uint64_t program = list->items[0].map, ours = loaded_tracker(list)->map;
	size_t found = 0, length;

	for (size_t field = FIELD_FIRST; field <= FIELD_LAST; field++) {
		if (!end_of_chain(list, field, &length) || length < 3 ||
		    read_word(list->pid, program + field * WORD) != ours)
			continue;
		if (found)
			return -EINVAL;
		found = field;
	}
	if (!found)
		return -EINVAL;
	if (write_word(list->pid, program + found * WORD, read_word(list->pid, ours + found * WORD)) != 0)
		return -EFAULT;
	return write_word(list->pid, ours + found * WORD, 0);
}

/* ---- both -------------------------------------------------------------------------------- */

static bool is_musl(const struct loaded_list *list)
{
	const struct loaded *libc = loaded_libc(list);

	return libc && libc->is_musl;
}

int scope_to_front(const struct loaded_list *list, const struct scope_end *end)
{
	return is_musl(list) ? chain_to_front(list, end) : move_in_array(list, true);
}

int scope_to_back(const struct loaded_list *list)
{
	return is_musl(list) ? chain_to_back(list) : move_in_array(list, false);
}
