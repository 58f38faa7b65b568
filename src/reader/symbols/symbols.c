/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See symbols.h. */
#include "symbols.h"
#include "array.h"
#include "demangle.h"
#include "exes.h"
#include "hash.h"
#include "inlines.h"
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct known_object {
	struct named named;
	struct object *object;
};

struct known_place {
	const struct object *object;
	uint64_t address;
	enum symbols_detail detail;
	struct symbols_places places;
};

struct known_name {
	const char *mangled;
	size_t len;
	bool is_ada;
	const char *plain;
};

struct symbols {
	struct search search;
	struct exes exes;
	const struct diag *diag;
	bool looked;       /* something was looked up */
	bool told_program; /* see symbols_lack_program() */
	struct pool pool;
	struct known_object *objects;
	size_t object_count, object_room;
	struct hash_table object_table;
	struct known_place *places;
	size_t place_count, place_room;
	struct hash_table place_table;
	struct known_name *names;
	size_t name_count, name_room;
	struct hash_table name_table;
};

int symbols_create(struct symbols **symbols, const struct search_options *options, const struct diag *diag)
{
	int error;

	*symbols = calloc(1, sizeof **symbols);
	if (!*symbols)
		return -ENOMEM;
	(*symbols)->diag = diag;
	error = search_init(&(*symbols)->search, options, diag);
	if (!error) {
		error = exes_open(&(*symbols)->exes, options, &(*symbols)->search, diag);
		if (!error)
			return 0;
		exes_close(&(*symbols)->exes, false);
		search_free(&(*symbols)->search);
	}
	free(*symbols);
	*symbols = NULL;
	return error;
}

void symbols_destroy(struct symbols *symbols)
{
	if (!symbols)
		return;
	for (size_t i = 0; i < symbols->object_count; i++)
		if (symbols->objects[i].object && !symbols->objects[i].object->given)
			object_close(symbols->objects[i].object);
	exes_close(&symbols->exes, symbols->looked);
	free(symbols->objects);
	free(symbols->places);
	free(symbols->names);
	hash_free(&symbols->name_table);
	hash_free(&symbols->object_table);
	hash_free(&symbols->place_table);
	pool_free(&symbols->pool);
	search_free(&symbols->search);
	free(symbols);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_object(const void *owner, uint32_t place, const void *key)
{
	const struct named *a = &((const struct symbols *)owner)->objects[place].named, *b = key;

	return strcmp(a->path, b->path) == 0 && same_text(a->build_id, b->build_id) && a->is_program == b->is_program &&
	       (a->path[0] == '/' || (same_text(a->dir, b->dir) && same_text(a->beside, b->beside)));
}

static void complain(struct symbols *symbols, const struct named *named, int error)
{
	if (error == -ESTALE)
		diag_report(symbols->diag, named->path, 0,
		            "not the file that the trace is about (its build-id differs): not used");
	else if (error == -ENOEXEC)
		diag_report(symbols->diag, named->path, 0, "not an ELF file: it has no symbols");
	else if (error == -ENOENT && named->is_program)
		symbols_lack_program(symbols, named->path);
	else
		diag_report(symbols->diag, named->path, 0, "no symbols: %s", strerror(-error));
}

static struct object *open_object(struct symbols *symbols, const struct named *named)
{
	struct object *object = pool_alloc(&symbols->pool, sizeof *object);
	struct exe *exe = NULL;
	int error = object ? named_open(named, &symbols->search, &symbols->exes, object, &exe) : -ENOMEM;

	if (exe) {
		exe->used = true;
		return exes_object(&symbols->exes, exe);
	}
	if (!error)
		return object;
	complain(symbols, named, error);
	return NULL;
}

/* 0 or -ENOMEM. */
static int keep_text(struct symbols *symbols, const char **text)
{
	if (*text)
		*text = pool_copy(&symbols->pool, *text, strlen(*text));
	return *text ? 0 : -ENOMEM;
}

static int keep_named(struct symbols *symbols, struct named *named)
{
	if (keep_text(symbols, &named->path) != 0 || (named->build_id && keep_text(symbols, &named->build_id) != 0) ||
	    (named->dir && keep_text(symbols, &named->dir) != 0) ||
	    (named->beside && keep_text(symbols, &named->beside) != 0))
		return -ENOMEM;
	return 0;
}

struct object *symbols_object(struct symbols *symbols, const struct named *named)
{
	struct known_object known = {.named = *named}, *objects;
	uint64_t hash = hash_bytes(named->path, strlen(named->path));
	uint32_t place = hash_find(&symbols->object_table, hash, same_object, symbols, named);

	symbols->looked = true;
	if (place != HASH_NONE)
		return symbols->objects[place].object;
	objects = array_grow(symbols->objects, &symbols->object_room, symbols->object_count + 1, sizeof *objects);
	if (!objects)
		return NULL;
	symbols->objects = objects;
	if (keep_named(symbols, &known.named) != 0 ||
	    hash_add(&symbols->object_table, hash, (uint32_t)symbols->object_count) != 0)
		return NULL;
	known.object = open_object(symbols, &known.named);
	objects[symbols->object_count++] = known;
	return known.object;
}

struct object *symbols_object_at(struct symbols *symbols, uint64_t address)
{
	struct exe *exe = exes_at(&symbols->exes, address);

	symbols->looked = true;
	if (!exe)
		return NULL;
	exe->used = true;
	return &exe->object;
}

void symbols_lack_program(struct symbols *symbols, const char *program)
{
	if (symbols->told_program && program)
		diag_report(symbols->diag, program, 0, "no symbols: %s", strerror(ENOENT));
	else if (program)
		diag_report(
			symbols->diag, program, 0,
			"no symbols: the program is not here: give it by --exe FILE, or by --sysroot DIR the directory "
			"that was its root");
	else if (!symbols->told_program)
		diag_report(symbols->diag, "no symbols", 0,
		            "the trace does not name its program: give it by --exe FILE");
	symbols->told_program = true;
}

static const char *demangle(struct symbols *symbols, const char *name, bool is_ada)
{
	char *plain = is_ada ? demangle_ada(name) : demangle_name(name);
	const char *result = plain ? pool_copy(&symbols->pool, plain, strlen(plain)) : name;

	free(plain);
	return result;
}

static bool same_name(const void *owner, uint32_t place, const void *key)
{
	const struct known_name *a = &((const struct symbols *)owner)->names[place], *b = key;

	return a->len == b->len && a->is_ada == b->is_ada && memcmp(a->mangled, b->mangled, a->len) == 0;
}

static const char *find_name(struct symbols *symbols, const char *name, size_t len, bool is_ada)
{
	struct known_name key = {.mangled = name, .len = len, .is_ada = is_ada}, *names;
	uint64_t hash = hash_bytes(name, len);
	uint32_t place = hash_find(&symbols->name_table, hash, same_name, symbols, &key);

	if (place != HASH_NONE)
		return symbols->names[place].plain;
	names = array_grow(symbols->names, &symbols->name_room, symbols->name_count + 1, sizeof *names);
	if (!names)
		return NULL;
	symbols->names = names;
	key.mangled = pool_copy(&symbols->pool, name, len);
	key.plain = key.mangled ? demangle(symbols, key.mangled, is_ada) : NULL;
	if (!key.plain || hash_add(&symbols->name_table, hash, (uint32_t)symbols->name_count) != 0)
		return NULL;
	names[symbols->name_count++] = key;
	return key.plain;
}

const char *symbols_demangle(struct symbols *symbols, const char *name, size_t len)
{
	return find_name(symbols, name, len, false);
}

static const char *keep_name(struct symbols *symbols, const char *name, bool is_ada)
{
	return name ? find_name(symbols, name, strlen(name), is_ada) : NULL;
}

static const char *keep_file(struct symbols *symbols, const char *file)
{
	return file ? pool_copy(&symbols->pool, file, strlen(file)) : NULL;
}

/* Reads the debug information: the functions, and FILE and LINE of the innermost one. False if there is none. */
static bool read_debug(struct object *object, GElf_Addr address, struct inlines *inlines, const char **file, int *line)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = units_find(&object->units, object->module, address, &bias);
	Dwarf_Line *row = unit ? dwarf_getsrc_die(unit, address - bias) : NULL;

	if (unit)
		inlines_find(inlines, &object->units.code, unit, address - bias);
	if (row && dwarf_lineno(row, line) == 0)
		*file = dwarf_linesrc(row, NULL, NULL);
	return unit;
}

static int look_up(struct symbols *symbols, struct object *object, uint64_t own, enum symbols_detail detail,
                   struct symbols_places *result)
{
	GElf_Addr address = own + object->bias;
	struct inlines inlines;
	struct symbols_place *places;
	const char *file = NULL;
	bool has_debug = false;
	int line = 0;

	inlines.function = NULL;
	inlines.is_ada = false;
	inlines.count = 0;
	if (detail == SYMBOLS_ALL)
		has_debug = read_debug(object, address, &inlines, &file, &line);
	places = pool_alloc(&symbols->pool, (inlines.count + 1) * sizeof *places);
	if (!places)
		return -ENOMEM;
	/* The line table gives the line in the innermost function. For the others it is the line of their call. */
	for (size_t i = 0; i < inlines.count; i++) {
		const struct inlines_call *call = &inlines.calls[i];

		places[i] = (struct symbols_place){keep_name(symbols, call->function, inlines.is_ada),
		                                   keep_file(symbols, file), line, true};
		file = call->file;
		line = call->line;
	}
	/* Without debug information, the symbol table may know the function. */
	if (!inlines.function)
		inlines.function = symtab_index_find(&object->functions, object->module, address);
	if (!has_debug)
		inlines.is_ada = object->functions.has_ada;
	places[inlines.count] = (struct symbols_place){keep_name(symbols, inlines.function, inlines.is_ada),
	                                               keep_file(symbols, file), line, false};
	*result = (struct symbols_places){places, inlines.count + 1};
	return 0;
}

static bool same_place(const void *owner, uint32_t place, const void *key)
{
	const struct known_place *a = &((const struct symbols *)owner)->places[place], *b = key;

	return a->object == b->object && a->address == b->address && a->detail == b->detail;
}

int symbols_find(struct symbols *symbols, struct object *object, uint64_t address, enum symbols_detail detail,
                 struct symbols_places *places)
{
	struct known_place key = {.object = object, .address = address, .detail = detail}, *grown;
	uint64_t hash = hash_mix(address ^ hash_mix((uintptr_t)object));
	uint32_t place = hash_find(&symbols->place_table, hash, same_place, symbols, &key);
	int error;

	if (place != HASH_NONE) {
		*places = symbols->places[place].places;
		return 0;
	}
	error = look_up(symbols, object, address, detail, &key.places);
	if (error)
		return error;
	grown = array_grow(symbols->places, &symbols->place_room, symbols->place_count + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	symbols->places = grown;
	grown[symbols->place_count] = key;
	*places = key.places;
	error = hash_add(&symbols->place_table, hash, (uint32_t)symbols->place_count);
	if (!error)
		symbols->place_count++;
	return error;
}

bool symbols_contradict(struct symbols *symbols, struct object *object, const char *path,
                        const struct symbols_claim *claim)
{
	const struct symtab_claim moved = {.name = claim->name,
	                                   .len = claim->len,
	                                   .start = claim->start + object->bias,
	                                   .address = claim->address + object->bias};
	const char *other = symtab_index_contradict(&object->functions, object->module, &moved);

	if (!other || object->denied)
		return other;
	object->denied = true;
	diag_report(symbols->diag, object->given ? object->given : path, 0,
	            "not the file that the trace is about (it has %s where the trace has %.*s): not used", other,
	            (int)claim->len, claim->name);
	return true;
}

bool symbols_may_be_other(const struct symbols *symbols, const struct object *object, const char *stamp)
{
	return !symbols->search.sysroot && !object->given && !object_has_stamp(object, stamp);
}

void symbols_deny(struct symbols *symbols, struct object *object, const char *path)
{
	if (object->denied)
		return;
	object->denied = true;
	diag_report(symbols->diag, path, 0,
	            "changed since the program ran, and it has no build-id: not used (--sysroot uses it all the same)");
}
