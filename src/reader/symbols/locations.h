/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frames of a process image with all that is known about them. Each frame is looked up once. */
#ifndef LM_READER_LOCATIONS_H
#define LM_READER_LOCATIONS_H

#include "pool.h"
#include "resolve.h"
#include "stacks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct location {
	const char *text; /* as written in the trace */
	size_t len;
	struct symbols_places places; /* innermost first, at least one */
	const char *module;           /* the path of its object; NULL if unknown */
	const char *build_id;         /* of its object, hexadecimal digits; NULL if unknown */
	uint64_t offset;              /* of the return address from the module's load bias */
	uint64_t address;             /* the return address */
	bool has_offset;
	bool has_address;
	bool guessed; /* the tracker guessed it */
};

/* The caller sets STACKS and RESOLVER, which have to stay valid; the rest is zero. */
struct locations {
	const struct stacks *stacks;
	const struct resolver *resolver;
	const struct location **known; /* by the frame's number */
	size_t count;
	struct pool pool;
};

/* Looks up FRAME of the image. NULL if there is no memory. Valid until locations_free(). */
const struct location *locations_get(struct locations *locations, uint32_t frame);

void locations_free(struct locations *locations);

/*
 * A name for PLACE of a location: its function, or else its offset in its module, or
 * else its address. Allocated with malloc(); NULL if there is no memory.
 */
char *location_name(const struct location *location, const struct symbols_place *place);

/* The last part of a path. */
const char *location_base_name(const char *path);

#endif
