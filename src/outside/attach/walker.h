/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks up the stacks of a stopped process's threads: is a thread inside code that nobody may be in? */
#ifndef LM_OUTSIDE_WALKER_H
#define LM_OUTSIDE_WALKER_H

#include "inside_code.h"
#include "loaded.h"
#include "regions.h"
#include "stop.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* There can be one at a time. It has to stay where it is. */
struct walker {
	/* Set by the caller. They may change while no thread is looked at: */
	pid_t pid;
	struct stop *stop;
	const struct regions *regions;
	const struct loaded_list *loaded;
	const struct inside_code *code;
	Dwfl *dwfl; /* NULL at first: elfutils' view of the process, of the modules at the last walker_update() */
};

/* To be called before threads are looked at, and when objects have come or gone. False if elfutils can't read them. */
bool walker_update(struct walker *walker);

/* Where the thread is inside: the address of a frame; 0 if it is outside. */
uint64_t walker_find_inside(const struct walker *walker, const struct stop_thread *thread);

void walker_end(struct walker *walker);

#endif
