/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See suppress.h. */
#include "suppress.h"
#include "array.h"
#include "pattern.h"
#include "suppress_builtin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No suppression file that people write is larger. */
enum { FILE_SIZE_MAX = 16 * 1024 * 1024 };

/* The verdict on a frame: not judged yet, not matched, or MATCHED plus the index of a suppression. */
enum { UNJUDGED, UNMATCHED, MATCHED };

static int add(struct suppressions *suppressions, struct suppression suppression)
{
	struct suppression *list = array_grow(suppressions->list, &suppressions->room, suppressions->count + 1,
	                                      sizeof *suppressions->list);

	if (!list || !suppression.pattern)
		return -ENOMEM;
	suppressions->list = list;
	list[suppressions->count++] = suppression;
	suppressions->by_user |= !suppression.builtin;
	return 0;
}

int suppressions_add_builtin(struct suppressions *suppressions)
{
	int error =
		add(suppressions, (struct suppression){.pattern = suppress_inside, .builtin = true, .inside = true});

	for (size_t i = 0; !error && i < suppress_builtin_count; i++) {
		const struct suppress_rule *rule = &suppress_builtin[i];

		error = add(suppressions, (struct suppression){.pattern = rule->pattern,
		                                               .builtin = true,
		                                               .innermost = rule->innermost,
		                                               .caller = rule->caller,
		                                               .callers = rule->callers});
	}
	return error;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Reads a line without its newline. 0, -EINVAL or -ENOMEM. */
static int parse_line(struct suppressions *suppressions, const char *line, size_t len)
{
	static const char type[] = "leak:";

	while (len && (line[0] == ' ' || line[0] == '\t')) {
		line++;
		len--;
	}
	if (!len || line[0] == '#')
		return 0;
	while (len && is_blank(line[len - 1]))
		len--;
	if (!len)
		return 0;
	if (len < strlen(type) || memcmp(line, type, strlen(type)) != 0)
		return -EINVAL;
	return add(suppressions, (struct suppression){.pattern = pool_copy(&suppressions->pool, line + strlen(type),
	                                                                   len - strlen(type))});
}

int suppressions_parse(struct suppressions *suppressions, const char *text, size_t len, const char *name,
                       const struct diag *diag)
{
	uint64_t number = 0;
	int result = 0;

	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t line = newline ? (size_t)(newline - text) : len;
		int error = parse_line(suppressions, text, line);

		number++;
		if (error == -ENOMEM)
			return error;
		if (error) {
			diag_report(diag, name, number, "this is not a suppression: leak:PATTERN");
			result = error;
		}
		line += newline != NULL;
		text += line;
		len -= line;
	}
	return result;
}

/* Reads the whole file into *TEXT, allocated with malloc(). 0 or -errno. */
static int read_whole(FILE *file, char **text, size_t *len)
{
	size_t room = 0;

	*text = NULL;
	*len = 0;
	do {
		char *grown = array_grow(*text, &room, *len + BUFSIZ, 1);

		if (!grown)
			return -ENOMEM;
		*text = grown;
		*len += fread(grown + *len, 1, BUFSIZ, file);
		if (*len > FILE_SIZE_MAX)
			return -EFBIG;
	} while (!feof(file) && !ferror(file));
	return ferror(file) ? -errno : 0;
}

int suppressions_load(struct suppressions *suppressions, const char *path, const struct diag *diag)
{
	FILE *file = fopen(path, "re");
	int error = file ? 0 : -errno;
	char *text = NULL;
	size_t len = 0;

	if (!error)
		error = read_whole(file, &text, &len);
	if (error)
		diag_report(diag, path, 0, "%s", strerror(-error));
	else
		error = suppressions_parse(suppressions, text, len, path, diag);
	free(text);
	if (file)
		fclose(file);
	return error;
}

/* Does PATTERN match the frame's module or symbol, or the function or file of one of its places? */
static bool matches_frame(const char *pattern, const struct resolved *resolved)
{
	/* The symbol may be an alias of the function in the debug information. */
	if (pattern_matches(pattern, resolved->module) || pattern_matches(pattern, resolved->named.function))
		return true;
	for (size_t i = 0; i < resolved->places.count; i++)
		if (pattern_matches(pattern, resolved->places.places[i].function) ||
		    pattern_matches(pattern, resolved->places.places[i].file))
			return true;
	return false;
}

/* Looks up frame NUMBER of STACKS. RESOLVED is empty if there is no such frame. 0 or -ENOMEM. */
static int look_up(const struct resolver *resolver, const struct stacks *stacks, uint32_t number,
                   struct resolved *resolved)
{
	struct stacks_frame text = stacks_frame_at(stacks, number);
	struct frame frame;

	if (frame_parse(text.text, text.len, &frame) == 0)
		return resolve_frame(resolver, &frame, resolved);
	*resolved = (struct resolved){0};
	return 0;
}

struct suppression *suppressions_find_inside(const struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->count; i++)
		if (suppressions->list[i].inside)
			return &suppressions->list[i];
	return NULL;
}

static int make_index(struct suppressions *suppressions)
{
	int error = 0;

	suppressions->conditions_from = suppressions->count;
	for (size_t i = 0; !error && i < suppressions->count; i++) {
		const struct suppression *s = &suppressions->list[i];
		bool conditions = s->innermost || s->inside;

		if (conditions && i < suppressions->conditions_from)
			suppressions->conditions_from = i;
		error = suppress_index_add(&suppressions->index, conditions ? NULL : s->pattern);
	}
	return error ? error : suppress_index_build(&suppressions->index);
}

/* The verdict of the first suppression without special conditions that matches TEXT, or UNMATCHED. */
static uint32_t judge_text(struct suppressions *suppressions, const char *text)
{
	uint32_t found = suppress_index_find(&suppressions->index, text);

	return found == SUPPRESS_INDEX_NONE ? UNMATCHED : found + MATCHED;
}

/*
 * The verdict on a frame, which does not depend on its position in a backtrace. If
 * several patterns match, the order decides which one gets the leak. It is
 * LeakSanitizer's order: all patterns for the module, then all for each place.
 */
static uint32_t judge_resolved(struct suppressions *suppressions, const struct resolved *resolved)
{
	uint32_t verdict = judge_text(suppressions, resolved->module);

	for (size_t i = 0; verdict == UNMATCHED && i < resolved->places.count; i++) {
		verdict = judge_text(suppressions, resolved->places.places[i].function);
		if (verdict == UNMATCHED)
			verdict = judge_text(suppressions, resolved->places.places[i].file);
	}
	return verdict != UNMATCHED ? verdict : judge_text(suppressions, resolved->named.function);
}

static int judge_frame(struct suppressions *suppressions, const struct resolver *resolver, const struct stacks *stacks,
                       uint32_t number, uint32_t *verdict)
{
	struct resolved resolved;
	int error = look_up(resolver, stacks, number, &resolved);

	*verdict = error ? UNMATCHED : judge_resolved(suppressions, &resolved);
	return error;
}

/* The innermost frames of a backtrace, and perhaps a trampoline before them. Those that it does not have are empty. */
struct inner {
	struct resolved frames[1 + 1 + SUPPRESS_CALLERS_MAX];
	const struct resolved *first; /* the innermost one that is no trampoline */
	size_t depth;                 /* of the backtrace */
};

static bool is_loader(const struct resolved *frame)
{
	for (size_t i = 0; i < SUPPRESS_LOADERS; i++)
		if (pattern_matches(suppress_loaders[i], frame->module))
			return true;
	return false;
}

/* 0 or -ENOMEM. */
static int look_up_inner(const struct resolver *resolver, const struct stacks *stacks, const struct stack *stack,
                         struct inner *inner)
{
	int error = 0;

	*inner = (struct inner){.first = inner->frames, .depth = stack->depth};
	for (size_t i = 0; !error && i < sizeof inner->frames / sizeof *inner->frames && i < stack->depth; i++)
		error = look_up(resolver, stacks, stack->frames[i], &inner->frames[i]);
	if (!error && stack->depth > 1 && is_loader(&inner->frames[0]) && !is_loader(&inner->frames[1]))
		inner->first++;
	return error;
}

static bool has_name(const struct resolved *frame)
{
	bool named = frame->named.function && *frame->named.function;

	for (size_t i = 0; !named && i < frame->places.count; i++)
		named = frame->places.places[i].function != NULL;
	return named;
}

/* Does each of the frames that called the innermost one match, as many as S wants? */
static bool matches_callers(const struct suppression *s, const struct inner *inner)
{
	if (s->callers == SUPPRESS_ALONE)
		return inner->depth == 1 && !has_name(inner->first);
	for (unsigned i = 1; i <= s->callers; i++)
		if (!matches_frame(s->caller, inner->first + i))
			return false;
	return true;
}

/* Finds the first suppression with conditions for the innermost frame, and perhaps for its callers. */
static int judge_innermost(const struct suppressions *suppressions, const struct resolver *resolver,
                           const struct stacks *stacks, const struct stack *stack, uint32_t *verdict)
{
	struct inner inner;
	int error = look_up_inner(resolver, stacks, stack, &inner);

	for (size_t i = suppressions->conditions_from; !error && i < suppressions->count && *verdict == UNMATCHED;
	     i++) {
		const struct suppression *s = &suppressions->list[i];

		if (s->innermost && matches_frame(s->pattern, inner.first) && matches_callers(s, &inner))
			*verdict = (uint32_t)i + MATCHED;
	}
	return error;
}

static bool make_room(struct suppressions *suppressions, size_t frames)
{
	uint32_t *grown;

	if (suppressions->verdict_count >= frames)
		return true;
	grown = reallocarray(suppressions->verdicts, frames, sizeof *grown);
	if (!grown)
		return false;
	for (size_t i = suppressions->verdict_count; i < frames; i++)
		grown[i] = UNJUDGED;
	suppressions->verdicts = grown;
	suppressions->verdict_count = frames;
	return true;
}

int suppressions_find(struct suppressions *suppressions, const struct resolver *resolver, const struct stacks *stacks,
                      uint32_t stack, struct suppression **found)
{
	struct stack frames = stacks_get(stacks, stack);
	struct resolver names = *resolver;
	uint32_t verdict = UNMATCHED;
	int error = 0;

	*found = NULL;
	if (!suppressions->count || !frames.depth)
		return 0;
	if (!make_room(suppressions, stacks->frame_count) ||
	    (!suppressions->index.count && make_index(suppressions) != 0))
		return -ENOMEM;
	/* All leaks are judged but few are shown. Built-in suppressions need only symbols and modules, so that is fast.
	 */
	if (!suppressions->by_user)
		names.detail = SYMBOLS_NAMES;
	error = judge_innermost(suppressions, &names, stacks, &frames, &verdict);
	for (size_t i = 0; !error && verdict == UNMATCHED && i < frames.depth; i++) {
		uint32_t *known = &suppressions->verdicts[frames.frames[i]];

		if (*known == UNJUDGED)
			error = judge_frame(suppressions, &names, stacks, frames.frames[i], known);
		verdict = *known;
	}
	if (!error && verdict >= MATCHED)
		*found = &suppressions->list[verdict - MATCHED];
	return error;
}

void suppressions_next_image(struct suppressions *suppressions)
{
	for (size_t i = 0; i < suppressions->count; i++)
		suppressions->list[i].held = (struct amount){0};
	suppressions->verdict_count = 0;
}

void suppressions_free(struct suppressions *suppressions)
{
	free(suppressions->list);
	suppress_index_free(&suppressions->index);
	free(suppressions->verdicts);
	pool_free(&suppressions->pool);
	*suppressions = (struct suppressions){0};
}
