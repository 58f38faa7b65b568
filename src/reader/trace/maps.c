/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See maps.h. */
#include "maps.h"
#include "array.h"
#include "cursor.h"
#include "escape.h"
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(struct maps *maps, struct mapping mapping)
{
	struct mapping *grown = array_grow(maps->mappings, &maps->room, maps->count + 1, sizeof *grown);

	if (!grown || !mapping.path)
		return -ENOMEM;
	maps->mappings = grown;
	grown[maps->count++] = mapping;
	return 0;
}

int maps_add_module(struct maps *maps, const struct record_module *module)
{
	char *path = pool_copy(&maps->pool, module->path, module->path_len), *build_id = NULL, *stamp = NULL;

	if (!path)
		return -ENOMEM;
	path[escape_decode(path, path, module->path_len)] = '\0';
	if (module->build_id)
		build_id = pool_copy(&maps->pool, module->build_id, module->build_id_len);
	if (module->stamp)
		stamp = pool_copy(&maps->pool, module->stamp, module->stamp_len);
	if ((module->build_id && !build_id) || (module->stamp && !stamp))
		return -ENOMEM;
	return add(maps, (struct mapping){
				 .from = module->from,
				 .to = module->to,
				 .offset = module->offset,
				 .module = true,
				 .path = path,
				 .build_id = build_id,
				 .stamp = stamp,
			 });
}

static bool take_permissions(struct cursor *c)
{
	static const char letters[] = {'r', 'w', 'x', 's', 'p', '-'};
	const char *word;
	size_t len;

	if (!cursor_until(c, ' ', &word, &len) || len != 4)
		return false;
	/* The text may end here; it has no NUL. */
	for (size_t i = 0; i < len; i++)
		if (!memchr(letters, word[i], sizeof letters))
			return false;
	return true;
}

/* Takes "from-to perms offset major:minor inode", which is all but the path. */
static bool take_mapping(struct cursor *c, struct mapping *mapping)
{
	uint64_t number;

	return cursor_hex(c, &mapping->from) && cursor_byte(c, '-') && cursor_hex(c, &mapping->to) &&
	       cursor_byte(c, ' ') && take_permissions(c) && cursor_byte(c, ' ') && cursor_hex(c, &mapping->offset) &&
	       cursor_byte(c, ' ') && cursor_hex(c, &number) && cursor_byte(c, ':') && cursor_hex(c, &number) &&
	       cursor_byte(c, ' ') && cursor_number(c, &number) && mapping->from < mapping->to;
}

static bool is_vdso(const struct cursor *c)
{
	return (size_t)(c->end - c->at) == strlen(MAPS_VDSO) && memcmp(c->at, MAPS_VDSO, strlen(MAPS_VDSO)) == 0;
}

int maps_add_line(struct maps *maps, const char *text, size_t len)
{
	struct cursor c = cursor_start(text, len);
	struct mapping mapping = {0};

	if (!take_mapping(&c, &mapping) || !(cursor_at_end(&c) || cursor_is(&c, ' ')))
		return -EINVAL;
	while (cursor_byte(&c, ' '))
		;
	/* Only files and the vdso have code. [heap] and anonymous memory have none. */
	if (!cursor_is(&c, '/') && !is_vdso(&c))
		return 0;
	mapping.path = pool_copy(&maps->pool, c.at, (size_t)(c.end - c.at));
	return add(maps, mapping);
}

int maps_load(struct maps *maps, const char *path, const struct diag *diag)
{
	size_t good = 0;
	struct input in;
	struct line line;
	int got, error = input_open(&in, path, diag);

	if (error)
		return error;
	while (!error && (got = input_next(&in, &line)) > 0) {
		error = maps_add_line(maps, line.text, line.len);
		if (error == -EINVAL) {
			/* A memory map that was cut out of a trace begins with its heading. */
			if (line.len && line.text[0] != '#')
				diag_report(diag, in.name, line.number, "this is not a line of a memory map");
			error = 0;
		} else if (!error) {
			good++;
		}
	}
	input_close(&in);
	if (error || got < 0)
		return error ? error : got;
	return good ? 0 : -EINVAL;
}

/* Is B, which came later, a better answer than A? */
static bool better(const struct mapping *a, const struct mapping *b, const char *path)
{
	if (!a || a->module != b->module)
		return !a || b->module;
	return !path || strcmp(b->path, path) == 0 || strcmp(a->path, path) != 0;
}

const struct mapping *maps_find(const struct maps *maps, uint64_t address, const char *path)
{
	const struct mapping *best = NULL;

	for (size_t i = 0; i < maps->count; i++) {
		const struct mapping *mapping = &maps->mappings[i];

		if (address >= mapping->from && address < mapping->to && better(best, mapping, path))
			best = mapping;
	}
	return best;
}

const struct mapping *maps_find_path(const struct maps *maps, const char *path)
{
	for (size_t i = maps->count; i > 0; i--)
		if (maps->mappings[i - 1].module && strcmp(maps->mappings[i - 1].path, path) == 0)
			return &maps->mappings[i - 1];
	return NULL;
}

const struct mapping *maps_only_module(const struct maps *maps, bool *several)
{
	const struct mapping *only = NULL;

	*several = false;
	for (size_t i = 0; i < maps->count && !*several; i++) {
		const struct mapping *mapping = &maps->mappings[i];

		*several = only && mapping->module && strcmp(mapping->path, only->path) != 0;
		if (mapping->module)
			only = mapping;
	}
	return *several ? NULL : only;
}

void maps_free(struct maps *maps)
{
	free(maps->mappings);
	pool_free(&maps->pool);
	*maps = (struct maps){0};
}
