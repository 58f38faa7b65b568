/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The code of a process that no thread may be inside at a moment (moment.h): allocator, loader and our library. */
#ifndef LM_OUTSIDE_INSIDE_CODE_H
#define LM_OUTSIDE_INSIDE_CODE_H

#include "loaded.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inside_range {
	uint64_t start, end;
	bool has_threads; /* a library with threads of its own, which are always inside, but for nobody else */
};

/* All zeros are valid and empty. */
struct inside_code {
	struct inside_range *ranges;
	size_t count, room;
};

/* Finds the code among the objects of LIST. What CODE had before is forgotten. 0 or -ENOMEM. */
int inside_code_find(struct inside_code *code, const struct loaded_list *list);

/* The range that ADDRESS lies in, or NULL. */
const struct inside_range *inside_code_at(const struct inside_code *code, uint64_t address);

void inside_code_free(struct inside_code *code);

#endif
