/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See wrong_frees.h. */
#include "wrong_frees.h"
#include "frame.h"
#include "operators.h"

#include <string.h>

/* The file of the innermost frame of STACK, or NULL. */
static struct object *caller_of(const struct trace_image *image, const struct resolver *resolver, uint32_t number)
{
	struct stack stack = stacks_get(&image->stacks, number);
	struct stacks_frame text;
	struct frame frame;

	if (!stack.depth)
		return NULL;
	text = stacks_frame_at(&image->stacks, stack.frames[0]);
	return frame_parse(text.text, text.len, &frame) == 0 ? resolve_object(resolver, &frame) : NULL;
}

static bool is_certain(const struct frees_group *group, const struct trace_image *image,
                       const struct resolver *resolver)
{
	struct object *asking = caller_of(image, resolver, group->past.allocated_stack);
	struct object *releasing = caller_of(image, resolver, group->stack);

	return asking && releasing && operators_are_elsewhere(asking) && operators_are_elsewhere(releasing) &&
	       (group->release != LM_WAY_C || operators_calls_free(releasing));
}

/* The linked tracker is certain of what it says. */
static bool needs_files(const struct trace_image *image)
{
	static const char *const words[] = {
#define WORD(id, word) [LM_FLAVOUR_##id] = (word),
		LM_TRACE_FLAVOURS(WORD)
#undef WORD
	};

	return !image->flavour || strcmp(image->flavour, words[LM_FLAVOUR_WRAP_STATIC]) != 0;
}

void wrong_frees_confirm(struct frees *frees, const struct trace_image *image, const struct resolver *resolver)
{
	size_t kept = 0;

	if (!needs_files(image))
		return;
	for (size_t i = 0; i < frees->count; i++) {
		const struct frees_group *group = &frees->groups[i];

		if (group->kind == FREES_MISMATCHED && !is_certain(group, image, resolver))
			frees->counts[FREES_MISMATCHED] -= group->count;
		else
			frees->groups[kept++] = *group;
	}
	frees->count = kept;
}

/* Sets *FOUND to the user's suppression that matches STACK, or to NULL. What is built in is about leaks. */
static int find(struct suppressions *suppressions, const struct resolver *resolver, const struct stacks *stacks,
                uint32_t stack, struct suppression **found)
{
	int error = suppressions_find(suppressions, resolver, stacks, stack, found);

	if (!error && *found && (*found)->builtin)
		*found = NULL;
	return error;
}

int wrong_frees_suppress(struct frees *frees, struct suppressions *suppressions, const struct resolver *resolver,
                         const struct stacks *stacks)
{
	size_t kept = 0;

	if (!suppressions->by_user)
		return 0;
	for (size_t i = 0; i < frees->count; i++) {
		const struct frees_group *group = &frees->groups[i];
		struct suppression *match = NULL;
		int error = 0;

		if (group->kind == FREES_MISMATCHED)
			error = find(suppressions, resolver, stacks, group->stack, &match);
		if (!error && group->kind == FREES_MISMATCHED && !match)
			error = find(suppressions, resolver, stacks, group->past.allocated_stack, &match);
		if (error)
			return error;
		if (!match) {
			frees->groups[kept++] = *group;
			continue;
		}
		match->held.count += group->count;
		match->matched.count += group->count;
		frees->counts[FREES_MISMATCHED] -= group->count;
		frees->suppressed += group->count;
	}
	frees->count = kept;
	return 0;
}
