/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See asked.h. */
#include "asked.h"

#include "atomic.h"
#include "ring_inside.h"

static struct lm_journal_marks *marks_of(struct lm_journal_header *header)
{
	return (struct lm_journal_marks *)(void *)((char *)header + LM_JOURNAL_MARKS);
}

void lm_asked_begin(struct lm_journal_header *header)
{
	lm_store_release(&marks_of(header)->ready, 1);
}

/* With the flush lock, under which the journal is mapped and unmapped, too. NULL: nobody can ask. */
static struct lm_journal_marks *find(void)
{
	return lm_ring_is_open() && lm_ring_inside.place ? marks_of(lm_ring_inside.header) : NULL;
}

static int copy_next(const struct lm_journal_marks *marks, char name[LM_JOURNAL_NAME + 1])
{
	uint32_t taken = lm_load(&marks->taken);

	if (lm_load_acquire(&marks->asked) == taken)
		return 0;
	__builtin_memcpy(name, marks->names[taken % LM_JOURNAL_ASKS], LM_JOURNAL_NAME);
	name[LM_JOURNAL_NAME] = '\0';
	return 1;
}

int lm_asked_next(char name[LM_JOURNAL_NAME + 1])
{
	struct lm_journal_marks *marks;
	struct lm_signals signals;
	int found;

	/* Who has the lock looks again soon. */
	if (!lm_ring_is_open() || !lm_ring_lock_try(&signals))
		return 0;
	marks = find();
	found = marks && copy_next(marks, name);
	lm_ring_unlock(&signals);
	return found;
}

void lm_asked_done(void)
{
	struct lm_journal_marks *marks;
	struct lm_signals signals;

	lm_ring_lock(&signals);
	marks = find();
	if (marks)
		lm_store_release(&marks->taken, lm_load(&marks->taken) + 1);
	lm_ring_unlock(&signals);
}
