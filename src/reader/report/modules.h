/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Consumers by module: the executables and libraries in their backtraces. */
#ifndef LM_READER_MODULES_H
#define LM_READER_MODULES_H

#include "consumers.h"
#include "locations.h"

#include <stddef.h>

struct module_total {
	const char *module;  /* the path of the object; NULL if unknown */
	struct amount own;   /* blocks that its own code allocated */
	struct amount whole; /* these, and blocks that were allocated by code that it called */
};

struct modules {
	struct module_total *list; /* ordered by WHOLE, largest first */
	size_t count, room;
};

/* Adds the consumers up by module, for METRIC. LOCATIONS has to stay valid. 0 or -ENOMEM. */
int modules_build(struct modules *modules, const struct consumers *consumers, struct locations *locations,
                  enum metric metric);

void modules_free(struct modules *modules);

#endif
