/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls of a process become calls of our library, or the real functions' again: in the tables that its objects call
 * through, and in pointers to these functions. Nothing is remembered of it. What leads to one of them is known by its
 * value, so another process than the one that took over can give back.
 */
#ifndef LM_OUTSIDE_TAKEOVER_H
#define LM_OUTSIDE_TAKEOVER_H

#include "loaded.h"
#include "regions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A function that our library stands for. 0: its address is not known. */
struct takeover_pair {
	char *name;
	uint64_t real, ours;
};

struct takeover_names {
	struct takeover_pair *items;
	size_t count, room;
};

/* Addresses outside of all objects that hold a pointer. */
struct takeover_found {
	uint64_t *items;
	size_t count, room;
};

struct takeover_count {
	size_t slots;    /* of tables for calls */
	size_t pointers; /* elsewhere */
};

/* The functions that the library has which is open as FILE. 0 or -errno: -EINVAL if that is no library. */
int takeover_names(struct takeover_names *names, int file);

/* The same of the library that is in the process. */
int takeover_names_loaded(struct takeover_names *names, const struct loaded *tracker);

/* Finds out where they are in the process. */
void takeover_find(struct takeover_names *names, const struct loaded_list *list);

/*
 * Finds pointers in memory that belongs to no object: heaps, stacks. The process may run meanwhile, so that it stands
 * still no longer because of a large heap; pointers are looked at again before they are changed. TO_OURS: pointers to
 * the real functions are looked for; else, to ours.
 */
int takeover_search(struct takeover_found *found, const struct takeover_names *names, const struct loaded_list *list,
                    const struct regions *regions, bool to_ours);

/* Takes over, or gives back if not TO_OURS, in a stopped process. 0 with COUNT, or -errno. */
int takeover(const struct takeover_names *names, const struct takeover_found *found, const struct loaded_list *list,
             bool to_ours, struct takeover_count *count);

/* Does any table of LIST lead to our library? */
bool takeover_is_done(const struct takeover_names *names, const struct loaded_list *list);

void takeover_free(struct takeover_names *names, struct takeover_found *found);

#endif
