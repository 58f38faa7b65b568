/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which files were mapped where in the traced process. Known from the trace's MODULE
 * lines, and from memory maps in the format of /proc/PID/maps.
 */
#ifndef LM_READER_MAPS_H
#define LM_READER_MAPS_H

#include "diag.h"
#include "parse.h"
#include "pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name of the code that the kernel maps into every process. There is no such file. */
#define MAPS_VDSO "[vdso]"

struct mapping {
	uint64_t from; /* of a module: the page of its first segment */
	uint64_t to;
	uint64_t offset;      /* the offset in the file that is mapped at FROM */
	bool module;          /* a whole object, from a MODULE line; otherwise a piece of one, from a memory map */
	const char *path;     /* as on disk, without \ooo */
	const char *build_id; /* hexadecimal digits, or NULL */
	const char *stamp;    /* of a module without build-id: its file's size@seconds.nanoseconds, or NULL */
	/* The rest belongs to resolve.c: */
	bool examined; /* the file at PATH was compared with what the trace says of it */
	bool replaced; /* it is another file now */
};

struct maps {
	struct mapping *mappings; /* in the order of the trace; a maps of zeros is valid and empty */
	size_t count, room;
	struct pool pool;
};

/* Adds what a MODULE line says. 0 or -ENOMEM. */
int maps_add_module(struct maps *maps, const struct record_module *module);

/* Adds a line of a memory map, unless it has no file. 0, -EINVAL if it is no such line, or -ENOMEM. */
int maps_add_line(struct maps *maps, const char *text, size_t len);

/*
 * Adds all lines of a file, or of standard input for "-". Other lines are reported.
 * 0 or -errno; -EINVAL if there was no line of a memory map.
 */
int maps_load(struct maps *maps, const char *path, const struct diag *diag);

/*
 * Finds what is mapped at ADDRESS: the module of that PATH, or else any module, or
 * else a piece of a memory map. Of several, the newest. NULL if there is none. PATH
 * can be NULL.
 */
const struct mapping *maps_find(const struct maps *maps, uint64_t address, const char *path);

/* Finds the newest module with that PATH, or NULL. */
const struct mapping *maps_find_path(const struct maps *maps, const char *path);

/* The only module of the trace; NULL if there is none, or if there are *SEVERAL. */
const struct mapping *maps_only_module(const struct maps *maps, bool *several);

void maps_free(struct maps *maps);

#endif
