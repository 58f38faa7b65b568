/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See resolve.h. */
#include "resolve.h"
#include "escape.h"
#include "tables.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The place of a frame: a file, and an address in it. */
struct spot {
	struct object *object;
	uint64_t address;
};

/* The path of the frame's object on disk. False if the frame names no object, or one that can't exist. */
static bool object_path(const struct resolver *resolver, const struct frame *frame, char path[PATH_MAX])
{
	char written[PATH_MAX], *name = written;
	int len;

	if (!frame->object || frame->object_len >= sizeof written)
		return false;
	written[escape_decode(written, frame->object, frame->object_len)] = '\0';
	/* Normalized as in a memory map, so that each file is one object. */
	if (strncmp(written, "./", 2) == 0)
		name += 2;
	if (written[0] == '/' || !resolver->dir)
		len = snprintf(path, PATH_MAX, "%s", name);
	else
		len = snprintf(path, PATH_MAX, "%s/%s", resolver->dir, name);
	return len > 0 && len < PATH_MAX;
}

/*
 * Converts the ADDRESS of a process, which is in MAPPING, to one of the file. A module that is mapped from 0 on is a
 * chip's program: it runs at the addresses that it was linked for.
 */
static bool locate(const struct mapping *mapping, uint64_t address, struct spot *spot)
{
	if (mapping->module && !mapping->from) {
		spot->address = address;
		return true;
	}
	if (mapping->module)
		return object_from_load(spot->object, mapping->from, address, &spot->address) == 0;
	return object_from_file(spot->object, address - mapping->from + mapping->offset, &spot->address) == 0;
}

/* Is a function that the trace names elsewhere in the file that is at hand? FRAME is in MAPPING, at SPOT. */
static bool is_contradicted(const struct resolver *resolver, const struct frame *frame, const struct mapping *mapping,
                            const struct spot *spot)
{
	return frame->symbol && frame->has_offset &&
	       symbols_contradict(resolver->symbols, spot->object, mapping->path,
	                          &(struct symbols_claim){.name = frame->symbol,
	                                                  .len = frame->symbol_len,
	                                                  .start = spot->address - frame->offset,
	                                                  .address = spot->address - 1});
}

/*
 * Compares OBJECT with all frames that are in MAPPING, up to the first contradiction. If
 * the file changed, a frame with a symbol has to vouch for it.
 */
static void examine(const struct resolver *resolver, struct mapping *mapping, struct object *object)
{
	bool needs_witness =
		resolver->stacks && mapping->stamp && symbols_may_be_other(resolver->symbols, object, mapping->stamp);
	struct spot spot = {.object = object};

	mapping->examined = true;
	for (size_t i = 0; resolver->stacks && i < resolver->stacks->frame_count && !mapping->replaced; i++) {
		struct stacks_frame text = stacks_frame_at(resolver->stacks, (uint32_t)i);
		char path[PATH_MAX];
		struct frame frame;

		if (frame_parse(text.text, text.len, &frame) != 0 || !frame.symbol || !frame.has_address ||
		    frame.address < mapping->from || frame.address >= mapping->to)
			continue;
		/* Modules that come and go may have been at the same addresses. */
		if (maps_find(resolver->maps, frame.address, object_path(resolver, &frame, path) ? path : NULL) ==
		            mapping &&
		    locate(mapping, frame.address, &spot)) {
			mapping->replaced = is_contradicted(resolver, &frame, mapping, &spot);
			needs_witness = false;
		}
	}
	if (needs_witness && !mapping->replaced) {
		symbols_deny(resolver->symbols, object, mapping->path);
		mapping->replaced = true;
	}
}

/* Looks in a module, which may have another name than the frame says, or in a piece of a memory map. */
static bool in_mapping(const struct resolver *resolver, const struct frame *frame, const struct mapping *found,
                       struct spot *spot)
{
	struct mapping *mapping = &resolver->maps->mappings[found - resolver->maps->mappings];

	spot->object = symbols_object(resolver->symbols, mapping->path, mapping->build_id);
	if (!spot->object || !locate(mapping, frame->address, spot))
		return false;
	if (mapping->build_id)
		return true;
	if (!mapping->examined)
		examine(resolver, mapping, spot->object);
	if (!mapping->replaced)
		mapping->replaced = is_contradicted(resolver, frame, mapping, spot);
	return !mapping->replaced;
}

/* Looks in the object that the frame names, by the symbol and offset in the frame. */
static bool in_object(const struct resolver *resolver, const struct frame *frame, const char *path, struct spot *spot)
{
	const struct mapping *module = resolver->maps ? maps_find_path(resolver->maps, path) : NULL;

	if (!frame->has_offset)
		return false;
	spot->object = symbols_object(resolver->symbols, path, module ? module->build_id : NULL);
	if (!spot->object)
		return false;
	spot->address = frame->offset;
	return !frame->symbol || object_from_symbol(spot->object, frame->symbol, frame->symbol_len, frame->offset,
	                                            frame->address, &spot->address) == 0;
}

/*
 * Finds the place of a frame. The trace's MODULE lines are certain. A memory map names
 * the file that was mapped. If it does not name the frame's object, then a file of
 * that name is a different one, from another machine or another day. An object with a
 * relative path is an exception: the user says where such paths begin. PATH is the
 * frame's object, or "". It becomes the path of the file that was mapped.
 */
static bool find_spot(const struct resolver *resolver, const struct frame *frame, char path[PATH_MAX],
                      struct spot *spot)
{
	const struct mapping *mapping = NULL;
	bool named = path[0] != '\0';

	if (resolver->maps && frame->has_address)
		mapping = maps_find(resolver->maps, frame->address, named ? path : NULL);
	if (mapping && named && !mapping->module && frame->object[0] != '/' && in_object(resolver, frame, path, spot))
		return true;
	if (!mapping)
		return named && in_object(resolver, frame, path, spot);
	snprintf(path, PATH_MAX, "%s", mapping->path);
	return strcmp(path, MAPS_VDSO) != 0 && in_mapping(resolver, frame, mapping, spot);
}

/* Sets NAMED to what the frame itself says. */
static int take_named(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved)
{
	struct symbols_place *named = &resolved->named;

	*named = (struct symbols_place){0};
	resolved->guessed = resolver->stacks && frame->has_address && stacks_is_guess(resolver->stacks, frame->address);
	resolved->places = (struct symbols_places){named, 1};
	resolved->has_offset = frame->has_offset && !frame->symbol;
	resolved->offset = frame->offset;
	if (!object_path(resolver, frame, resolved->module))
		resolved->module[0] = '\0';
	if (!frame->symbol)
		return 0;
	named->function = symbols_demangle(resolver->symbols, frame->symbol, frame->symbol_len);
	return named->function ? 0 : -ENOMEM;
}

/*
 * Looks up a return address. The call is in front of it, and may be the last
 * instruction of its function, so ADDRESS - 1 is looked up. If there is no function,
 * ADDRESS itself is looked up: a signal handler returns to the first byte of one.
 */
static int find_places(const struct resolver *resolver, const struct spot *spot, struct symbols_places *places)
{
	int error = symbols_find(resolver->symbols, spot->object, spot->address - 1, resolver->detail, places);

	if (!error && places->count == 1 && !places->places[0].function)
		error = symbols_find(resolver->symbols, spot->object, spot->address, resolver->detail, places);
	return error;
}

/* The frame is in no file. Its process may have made the code, and may have told its name. */
static int take_made(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved)
{
	size_t len;
	int error;
	const char *name = perf_map_find(resolver->perf, frame->address - 1, &len, &error);

	/* As in find_places(). */
	if (!error && !name)
		name = perf_map_find(resolver->perf, frame->address, &len, &error);
	if (!name)
		return error;
	resolved->named.function = symbols_demangle(resolver->symbols, name, len);
	return resolved->named.function ? 0 : -ENOMEM;
}

int resolve_frame(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved)
{
	struct spot spot;
	int error = take_named(resolver, frame, resolved);

	/* The outermost frame can be a null pointer: nobody called that function. */
	if (error || resolver->as_written || (frame->has_address && frame->address == 0))
		return error;
	if (!find_spot(resolver, frame, resolved->module, &spot)) {
		if (!resolved->named.function && strcmp(resolved->module, MAPS_VDSO) == 0)
			resolved->named.function = MAPS_VDSO;
		if (resolver->perf && frame->has_address && !frame->object && !resolved->module[0])
			return take_made(resolver, frame, resolved);
		return 0;
	}
	resolved->has_offset = true;
	resolved->offset = spot.address;
	error = find_places(resolver, &spot, &resolved->places);
	/* If the file is stripped, the frame itself may know more. */
	if (!error && resolved->places.count == 1 && !resolved->places.places[0].function)
		resolved->places.places = &resolved->named;
	return error;
}

/* As in find_places(): a signal handler's return may be the first byte of a function. */
bool resolve_lacks_tables(const struct resolver *resolver, const struct frame *frame)
{
	char path[PATH_MAX];
	struct spot spot;

	if (resolver->as_written || (frame->has_address && frame->address == 0))
		return false;
	if (!object_path(resolver, frame, path))
		path[0] = '\0';
	return find_spot(resolver, frame, path, &spot) && !tables_is_start(spot.object, spot.address - 1) &&
	       tables_lack(spot.object, spot.address - 1) && tables_lack(spot.object, spot.address);
}

struct object *resolve_object(const struct resolver *resolver, const struct frame *frame)
{
	struct spot spot;
	char path[PATH_MAX];

	if (!object_path(resolver, frame, path))
		path[0] = '\0';
	return find_spot(resolver, frame, path, &spot) ? spot.object : NULL;
}
