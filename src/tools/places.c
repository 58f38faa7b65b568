/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See places.h. */
#include "places.h"
#include "array.h"

#include <stdlib.h>

struct locations *places_add(struct places *places, const struct stacks *stacks, const struct resolver *resolver)
{
	struct locations **list =
		array_grow(places->list, &places->room, places->count + 1, sizeof(struct locations *));
	struct locations *locations = calloc(1, sizeof *locations);

	if (list)
		places->list = list;
	if (!list || !locations) {
		free(locations);
		return NULL;
	}
	*locations = (struct locations){.stacks = stacks, .resolver = resolver};
	list[places->count++] = locations;
	return locations;
}

void places_free(struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		locations_free(places->list[i]);
		free(places->list[i]);
	}
	free(places->list);
	*places = (struct places){.count = 0};
}
