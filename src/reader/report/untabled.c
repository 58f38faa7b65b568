/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See untabled.h. A process has few modules, so a linear search is enough. */
#include "untabled.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names of files that libcs and their loaders have. */
static bool is_libc(const char *module)
{
	static const char *const begins[] = {"libc.", "libc-", "ld-", "ld.", "libpthread", "libuClibc"};
	const char *slash = strrchr(module, '/'), *name = slash ? slash + 1 : module;

	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (strncmp(name, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* The compiler's flag is nothing for an assembler, and Go's compiler has tables of its own. */
static bool takes_flag(const char *file)
{
	static const char *const suffixes[] = {".s", ".S", ".asm", ".go"};
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
		if (strcmp(dot, suffixes[i]) == 0)
			return false;
	return true;
}

/* Is it a function that the user can have compiled? */
static bool is_own(const struct resolved *resolved, bool is_static)
{
	const struct symbols_place *outermost = &resolved->places.places[resolved->places.count - 1];

	if (!resolved->module[0] || (outermost->file && !takes_flag(outermost->file)))
		return false;
	return is_static ? outermost->file != NULL : !is_libc(resolved->module);
}

/* What is known of an outermost frame: its module's index plus MODULES, or one of these. */
enum { UNASKED, COUNTS_NOT, MODULES };

static int add_module(struct untabled *untabled, const struct resolved *resolved, size_t *answer)
{
	struct untabled_module *list, *module;
	size_t i;

	for (i = 0; i < untabled->count && strcmp(untabled->list[i].module, resolved->module) != 0; i++)
		;
	if (i == untabled->count) {
		list = array_grow(untabled->list, &untabled->room, i + 1, sizeof *list);
		if (!list)
			return -ENOMEM;
		untabled->list = list;
		list[i] = (struct untabled_module){.module = strdup(resolved->module)};
		if (!list[i].module)
			return -ENOMEM;
		untabled->count++;
	}
	module = &untabled->list[i];
	if (!module->function)
		module->function = resolved->places.places[resolved->places.count - 1].function;
	*answer = MODULES + i;
	return 0;
}

/* Answers for the outermost frame TEXT of a backtrace. */
static int look_at(struct untabled *untabled, const struct resolver *resolver, const struct stacks_frame *text,
                   bool is_static, size_t *answer)
{
	struct resolved resolved;
	struct frame frame;
	int error;

	*answer = COUNTS_NOT;
	if (frame_parse(text->text, text->len, &frame) != 0 || !resolve_lacks_tables(resolver, &frame))
		return 0;
	error = resolve_frame(resolver, &frame, &resolved);
	return error || !is_own(&resolved, is_static) ? error : add_module(untabled, &resolved, answer);
}

int untabled_find(struct untabled *untabled, const struct leaks *leaks, const struct resolver *resolver,
                  const struct stacks *stacks, bool is_static)
{
	/* By the frame's number: many backtraces have the same outermost one. */
	size_t *answers = calloc(stacks->frame_count + 1, sizeof *answers);
	int error = answers ? 0 : -ENOMEM;

	*untabled = (struct untabled){0};
	for (size_t i = 0; !error && i < leaks->count; i++) {
		struct stack stack = stacks_get(stacks, leaks->groups[i].stack);
		uint32_t outermost;
		size_t *answer;

		if (!stack.depth)
			continue;
		outermost = stack.frames[stack.depth - 1];
		answer = &answers[outermost];
		if (*answer == UNASKED) {
			struct stacks_frame text = stacks_frame_at(stacks, outermost);

			error = look_at(untabled, resolver, &text, is_static, answer);
		}
		if (!error && *answer >= MODULES)
			untabled->list[*answer - MODULES].backtraces++;
	}
	free(answers);
	return error;
}

void untabled_free(struct untabled *untabled)
{
	for (size_t i = 0; i < untabled->count; i++)
		free(untabled->list[i].module);
	free(untabled->list);
	*untabled = (struct untabled){0};
}
