/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The looked-up frames of several images. They are kept when the images are gone, for sums that point to them. */
#ifndef LM_PLACES_H
#define LM_PLACES_H

#include "locations.h"

#include <stddef.h>

/* A places of zeros is valid and empty. */
struct places {
	struct locations **list;
	size_t count, room;
};

/* The frames of one more image, to be looked up by RESOLVER. NULL if there is no memory. Valid until places_free(). */
struct locations *places_add(struct places *places, const struct stacks *stacks, const struct resolver *resolver);

void places_free(struct places *places);

#endif
