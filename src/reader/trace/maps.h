/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lay where in the address space of the traced process: the trace's MODULE
 * lines, and memory maps as /proc/PID/maps has them.
 */
#ifndef LM_READER_MAPS_H
#define LM_READER_MAPS_H

#include "diag.h"
#include "parse.h"
#include "pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of code that the kernel lends to every process: there is no such file. */
#define MAPS_VDSO "[vdso]"

struct mapping {
	uint64_t from; /* a module: where its first segment's page begins */
	uint64_t to;
	uint64_t offset;      /* in the file, of what is mapped at from */
	bool module;          /* the whole object by a MODULE line, not a piece of it by a memory map */
	const char *path;     /* as it is on disk */
	const char *build_id; /* hexadecimal digits, or NULL */
};

struct maps {
	struct mapping *mappings; /* in the order in which they came; a maps of zeros is an empty one */
	size_t count, room;
	struct pool pool;
};

/* 0 or -ENOMEM. */
int maps_add_module(struct maps *maps, const struct record_module *module);

/* A line of a memory map; pieces without an object are passed. 0, -EINVAL: it is no such line, -ENOMEM. */
int maps_add_line(struct maps *maps, const char *text, size_t len);

/* All lines of a file, "-" for standard input. What is no such line is reported. 0, -errno, -EINVAL: there was none. */
int maps_load(struct maps *maps, const char *path, const struct diag *diag);

/*
 * What lies at ADDRESS: the module of that PATH if there is one, else any
 * module, else a piece of the memory map; the newest of each. NULL if nothing
 * does. PATH can be NULL.
 */
const struct mapping *maps_find(const struct maps *maps, uint64_t address, const char *path);

/* The newest module of that PATH, or NULL. */
const struct mapping *maps_find_path(const struct maps *maps, const char *path);

void maps_free(struct maps *maps);

#endif
