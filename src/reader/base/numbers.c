/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See numbers.h. */
#include "numbers.h"

#include <errno.h>
#include <stdlib.h>

/* The array may have so many places for each number that is known, and so many more. */
enum { PLACES = 4, PLACES_MORE = 1024 };

uint32_t numbers_find_sparse(const struct numbers *numbers, uint64_t number)
{
	return numbers->sparse.used ? hash_find_number(&numbers->sparse, number) : NUMBERS_NONE;
}

/* Makes the array so large that it has a place for NUMBER. 0 or -ENOMEM. */
static int make_room(struct numbers *numbers, uint64_t number)
{
	size_t room = numbers->room ? numbers->room : 64;
	uint32_t *dense;

	while (room <= number)
		room *= 2;
	dense = reallocarray(numbers->dense, room, sizeof *dense);
	if (!dense)
		return -ENOMEM;
	for (size_t i = numbers->room; i < room; i++)
		dense[i] = NUMBERS_NONE;
	numbers->dense = dense;
	numbers->room = room;
	return 0;
}

/* Can the array have a place for NUMBER? */
static bool is_near(const struct numbers *numbers, uint64_t number)
{
	return number < numbers->room || number < (uint64_t)numbers->used * PLACES + PLACES_MORE;
}

int numbers_set(struct numbers *numbers, uint64_t number, uint32_t value)
{
	bool is_known = numbers_find(numbers, number) != NUMBERS_NONE;
	int error;

	/* A number that is in the hash table stays there. */
	if (numbers_find_sparse(numbers, number) != NUMBERS_NONE || !is_near(numbers, number)) {
		error = hash_set_number(&numbers->sparse, number, value);
	} else {
		error = number < numbers->room ? 0 : make_room(numbers, number);
		if (!error)
			numbers->dense[number] = value;
	}
	numbers->used += !error && !is_known;
	return error;
}

void numbers_free(struct numbers *numbers)
{
	free(numbers->dense);
	hash_free(&numbers->sparse);
	*numbers = (struct numbers){0};
}
