/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See wrong_frees.h. */
#include "wrong_frees.h"

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
		match->blocks += group->count;
		match->matches += group->count;
		frees->counts[FREES_MISMATCHED] -= group->count;
		frees->suppressed += group->count;
	}
	frees->count = kept;
	return 0;
}
