/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See thread_use.h. */
#include "thread_use.h"
#include "array.h"

#include <stdlib.h>

struct thread_use *thread_uses_add(struct thread_uses *uses, uint32_t place)
{
	struct thread_use *list = array_grow(uses->list, &uses->room, (size_t)place + 1, sizeof *list);

	if (!list)
		return NULL;
	uses->list = list;
	while (uses->count <= place)
		list[uses->count++] = (struct thread_use){0};
	return &list[place];
}

void thread_uses_free(struct thread_uses *uses)
{
	free(uses->list);
	*uses = (struct thread_uses){0};
}
