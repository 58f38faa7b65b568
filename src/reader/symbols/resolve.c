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

/* The path of the frame's object as it is written. False if the frame names no object, or one that can't exist. */
static bool written_path(const struct frame *frame, char path[PATH_MAX])
{
	size_t len;

	if (!frame->object || frame->object_len >= PATH_MAX)
		return false;
	len = escape_decode(path, frame->object, frame->object_len);
	path[len] = '\0';
	/* Normalized as in a memory map, so that each file is one object. */
	if (strncmp(path, "./", 2) == 0)
		memmove(path, path + 2, len - 1);
	return path[0] != '\0';
}

/* The path of the frame's object where the process ran. False as above. */
static bool object_path(const struct resolver *resolver, const struct frame *frame, char path[PATH_MAX])
{
	char written[PATH_MAX];
	int len;

	if (!written_path(frame, written))
		return false;
	if (written[0] == '/' || !resolver->dir)
		len = snprintf(path, PATH_MAX, "%s", written);
	else
		len = snprintf(path, PATH_MAX, "%s/%s", resolver->dir, written);
	return len < PATH_MAX;
}

/* Is PATH that of the program? A trace of a system without files has one module at most, the program. */
static bool is_program(const struct resolver *resolver, const char *path)
{
	const struct mapping *only = NULL;
	bool several = false;

	if (resolver->program)
		return strcmp(path, resolver->program) == 0;
	if (resolver->maps)
		only = maps_only_module(resolver->maps, &several);
	return only ? strcmp(path, only->path) == 0 : !several && path[0] != '/';
}

static struct object *find_object(const struct resolver *resolver, const char *path, const char *build_id)
{
	const struct named named = {.path = path,
	                            .build_id = build_id,
	                            .dir = resolver->dir,
	                            .beside = resolver->beside,
	                            .is_program = is_program(resolver, path)};

	return symbols_object(resolver->symbols, &named);
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

	spot->object = find_object(resolver, mapping->path, mapping->build_id);
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

/*
 * What the frame says of its place in its object: an offset from a function, or from the beginning. Is it there, if the
 * object lay at MAPPING?
 */
static bool is_as_said(const struct resolver *resolver, const struct frame *frame, const struct mapping *mapping)
{
	struct spot spot = {.object = find_object(resolver, mapping->path, mapping->build_id)};
	uint64_t said = frame->offset;

	if (!spot.object || !frame->has_offset || !locate(mapping, frame->address, &spot))
		return false;
	return (!frame->symbol || object_from_symbol(spot.object, frame->symbol, frame->symbol_len, frame->offset,
	                                             frame->address, &said) == 0) &&
	       spot.address == said;
}

/*
 * Where FRAME's object was. One that comes and goes may have been at several places that overlap. The last one that
 * agrees with the frame is taken, or else the last one.
 */
static const struct mapping *find_mapping(const struct resolver *resolver, const struct frame *frame, const char *path)
{
	const struct maps *maps = resolver->maps;
	const struct mapping *last = maps_find(maps, frame->address, path);

	if (!last || !last->module)
		return last;
	for (const struct mapping *other = last; other-- > maps->mappings;) {
		if (!other->module || strcmp(other->path, last->path) != 0 || other->from == last->from ||
		    frame->address < other->from || frame->address >= other->to)
			continue;
		if (is_as_said(resolver, frame, last))
			return last;
		if (is_as_said(resolver, frame, other))
			return other;
	}
	return last;
}

/* Looks in the object that the frame names, by the symbol and offset in the frame. */
static bool in_object(const struct resolver *resolver, const struct frame *frame, const char *path, struct spot *spot)
{
	const struct mapping *module = resolver->maps ? maps_find_path(resolver->maps, path) : NULL;
	char written[PATH_MAX];

	if (!frame->has_offset || !written_path(frame, written))
		return false;
	if (resolver->maps && !module)
		module = maps_find_path(resolver->maps, written);
	spot->object = find_object(resolver, written, module ? module->build_id : NULL);
	if (!spot->object)
		return false;
	spot->address = frame->offset;
	return !frame->symbol || object_from_symbol(spot->object, frame->symbol, frame->symbol_len, frame->offset,
	                                            frame->address, &spot->address) == 0;
}

/* The program, if the trace says which it is, or has one module alone. NULL if it is not at hand. */
static struct object *find_program(const struct resolver *resolver, bool *several)
{
	const struct mapping *only = resolver->maps ? maps_only_module(resolver->maps, several) : NULL;

	if (*several || (!only && !resolver->program))
		return NULL;
	return only ? find_object(resolver, only->path, only->build_id)
	            : find_object(resolver, resolver->program, NULL);
}

/*
 * The trace does not say what is at the frame's address. On a chip, a program is where it was linked to. PATH becomes
 * that of the program.
 */
static bool in_fixed(const struct resolver *resolver, const struct frame *frame, char path[PATH_MAX], struct spot *spot)
{
	bool several = false, has_maps = resolver->maps && resolver->maps->count;
	struct object *object;

	if (frame->object || !frame->has_address)
		return false;
	object = has_maps ? NULL : symbols_object_at(resolver->symbols, frame->address);
	if (!object)
		object = find_program(resolver, &several);
	if (!object && !has_maps && !resolver->program && resolver->has_trace)
		symbols_lack_program(resolver->symbols, NULL);
	if (!object || !object_is_fixed(object) || !object_has_code(object, frame->address))
		return false;
	*spot = (struct spot){object, frame->address};
	snprintf(path, PATH_MAX, "%s", object_name(object));
	return true;
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
		mapping = find_mapping(resolver, frame, named ? path : NULL);
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
	uint64_t address = object_plain_address(spot->object, spot->address);
	int error = symbols_find(resolver->symbols, spot->object, address - 1, resolver->detail, places);

	if (!error && places->count == 1 && !places->places[0].function)
		error = symbols_find(resolver->symbols, spot->object, address, resolver->detail, places);
	return error;
}

/* The frame is in no file. Its process may have made the code, and may have told its name: that; NULL if not. */
static const char *made_name(const struct resolver *resolver, const struct frame *frame, size_t *len, int *error)
{
	const char *name;

	*error = 0;
	if (!resolver->perf || !frame->has_address || frame->object)
		return NULL;
	name = perf_map_find(resolver->perf, frame->address - 1, len, error);
	/* As in find_places(). */
	return *error || name ? name : perf_map_find(resolver->perf, frame->address, len, error);
}

static int take_made(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved)
{
	size_t len;
	int error;
	const char *name = made_name(resolver, frame, &len, &error);

	if (!name)
		return error;
	resolved->named.function = symbols_demangle(resolver->symbols, name, len);
	return resolved->named.function ? 0 : -ENOMEM;
}

/* The frame is in no file that the trace names. 1 and SPOT if it is in another one, 0 if nothing more is known, or
 * -ENOMEM. */
static int look_elsewhere(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved,
                          struct spot *spot)
{
	int error;

	if (resolved->module[0]) {
		if (!resolved->named.function && strcmp(resolved->module, MAPS_VDSO) == 0)
			resolved->named.function = MAPS_VDSO;
		return 0;
	}
	error = take_made(resolver, frame, resolved);
	if (error || resolved->named.function)
		return error;
	return in_fixed(resolver, frame, resolved->module, spot);
}

int resolve_frame(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved)
{
	struct spot spot;
	int error = take_named(resolver, frame, resolved);

	/* The outermost frame can be a null pointer: nobody called that function. */
	if (error || resolver->as_written || (frame->has_address && frame->address == 0))
		return error;
	if (!find_spot(resolver, frame, resolved->module, &spot)) {
		int found = look_elsewhere(resolver, frame, resolved, &spot);

		if (found <= 0)
			return found;
	}
	resolved->has_offset = true;
	resolved->offset = spot.address;
	error = find_places(resolver, &spot, &resolved->places);
	/* If the file is stripped, the frame itself may know more. */
	if (!error && resolved->places.count == 1 && !resolved->places.places[0].function)
		resolved->places.places = &resolved->named;
	return error;
}

/* Where a frame is, by all that is known. */
static bool find_any(const struct resolver *resolver, const struct frame *frame, struct spot *spot)
{
	char path[PATH_MAX];
	size_t len;
	int error;

	if (!object_path(resolver, frame, path))
		path[0] = '\0';
	if (find_spot(resolver, frame, path, spot))
		return true;
	return !path[0] && !made_name(resolver, frame, &len, &error) && in_fixed(resolver, frame, path, spot);
}

/* As in find_places(): a signal handler's return may be the first byte of a function. */
bool resolve_lacks_tables(const struct resolver *resolver, const struct frame *frame)
{
	struct spot spot;
	uint64_t address;

	if (resolver->as_written || (frame->has_address && frame->address == 0) || !find_any(resolver, frame, &spot))
		return false;
	address = object_plain_address(spot.object, spot.address);
	return !tables_is_start(spot.object, address - 1) && tables_lack(spot.object, address - 1) &&
	       tables_lack(spot.object, address);
}

struct object *resolve_object(const struct resolver *resolver, const struct frame *frame)
{
	struct spot spot;

	return find_any(resolver, frame, &spot) ? spot.object : NULL;
}
