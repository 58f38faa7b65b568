/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Consumers by the objects that they are in. */
#ifndef LM_READER_MODULES_H
#define LM_READER_MODULES_H

#include "consumers.h"
#include "locations.h"

#include <stddef.h>

struct module_total {
	const char *module;  /* the object's path; NULL: it is not known */
	struct amount own;   /* of blocks that its own code asked for */
	struct amount whole; /* those, and what others asked for that it called */
};

struct modules {
	struct module_total *list; /* by WHOLE, largest first */
	size_t count, room;
};

/* What METRIC says about each module. LOCATIONS has to stay. 0 or -ENOMEM. */
int modules_build(struct modules *modules, const struct consumers *consumers, struct locations *locations,
                  enum metric metric);

void modules_free(struct modules *modules);

#endif
