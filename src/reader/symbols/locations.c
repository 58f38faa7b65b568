/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See locations.h. */
#include "locations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where no function is known, the build-id tells which debug information would name it. */
static bool keep_build_id(struct locations *locations, struct location *location)
{
	const struct maps *maps = locations->resolver->maps;
	const struct mapping *mapping = maps ? maps_find_path(maps, location->module) : NULL;

	if (!mapping || !mapping->build_id)
		return true;
	location->build_id = pool_copy(&locations->pool, mapping->build_id, strlen(mapping->build_id));
	return location->build_id != NULL;
}

/* RESOLVED is valid only for a moment, so its own texts are copied. */
static bool keep(struct locations *locations, struct location *location, const struct resolved *resolved)
{
	struct symbols_place *named;

	location->places = resolved->places;
	location->has_offset = resolved->has_offset;
	location->offset = resolved->offset;
	location->guessed = resolved->guessed;
	if (resolved->module[0]) {
		location->module = pool_copy(&locations->pool, resolved->module, strlen(resolved->module));
		if (!location->module)
			return false;
	}
	if (location->places.places != &resolved->named)
		return true;
	if (!resolved->named.function && location->module && !keep_build_id(locations, location))
		return false;
	named = pool_alloc(&locations->pool, sizeof *named);
	if (!named)
		return false;
	*named = resolved->named;
	location->places.places = named;
	return true;
}

static const struct location *make_location(struct locations *locations, uint32_t number)
{
	struct stacks_frame text = stacks_frame_at(locations->stacks, number);
	struct location *location = pool_alloc(&locations->pool, sizeof *location);
	struct resolved resolved;
	struct frame frame;

	/* The stacks contain only valid frames. */
	if (!location || frame_parse(text.text, text.len, &frame) != 0 ||
	    resolve_frame(locations->resolver, &frame, &resolved) != 0)
		return NULL;
	*location = (struct location){
		.text = pool_copy(&locations->pool, text.text, text.len),
		.len = text.len,
		.address = frame.address,
		.has_address = frame.has_address,
	};
	return location->text && keep(locations, location, &resolved) ? location : NULL;
}

static bool make_room(struct locations *locations)
{
	size_t count = locations->stacks->frame_count;
	const struct location **grown;

	if (locations->count >= count)
		return true;
	grown = reallocarray(locations->known, count, sizeof(const struct location *));
	if (!grown)
		return false;
	memset(grown + locations->count, 0, (count - locations->count) * sizeof(const struct location *));
	locations->known = grown;
	locations->count = count;
	return true;
}

const struct location *locations_get(struct locations *locations, uint32_t frame)
{
	if (!make_room(locations))
		return NULL;
	if (!locations->known[frame])
		locations->known[frame] = make_location(locations, frame);
	return locations->known[frame];
}

void locations_free(struct locations *locations)
{
	free(locations->known);
	pool_free(&locations->pool);
	locations->known = NULL;
	locations->count = 0;
}

const char *location_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

char *location_name(const struct location *location, const struct symbols_place *place)
{
	char *name;
	int len;

	if (place->function)
		return strdup(place->function);
	if (location->module && location->has_offset)
		len = asprintf(&name, "%s+0x%" PRIx64, location_base_name(location->module), location->offset);
	else if (location->module)
		len = asprintf(&name, "%s", location_base_name(location->module));
	else
		len = asprintf(&name, "0x%" PRIx64, location->address);
	return len < 0 ? NULL : name;
}
