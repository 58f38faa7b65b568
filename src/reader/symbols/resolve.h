/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds functions, files and lines for a frame as it is written, using all that is known about the process. */
#ifndef LM_READER_RESOLVE_H
#define LM_READER_RESOLVE_H

#include "frame.h"
#include "maps.h"
#include "perf_map.h"
#include "stacks.h"
#include "symbols.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct resolver {
	struct symbols *symbols;
	struct maps *maps; /* of the process that has the frame; can be NULL */
	/*
	 * The frames of that process, or NULL. If a file without build-id contradicts one of
	 * them, it is not used for any of them.
	 */
	const struct stacks *stacks;
	struct perf_map *perf; /* names that the process gave to code that it made; can be NULL */
	const char *dir;       /* relative paths of objects begin there; can be NULL */
	const char *beside;    /* or there: the directory of the trace; can be NULL */
	const char *program;   /* the program's path as the trace has it; can be NULL */
	bool has_trace;        /* the frames are those of a trace, which ought to name the program */
	bool as_written;       /* nothing is looked up; only the frame's own text is used */
	enum symbols_detail detail;
};

struct resolved {
	struct symbols_places places;
	struct symbols_place named; /* what the frame itself says, used if nothing better is known */
	char module[PATH_MAX];      /* the object's path where the process ran; "" if unknown */
	bool guessed;               /* the tracker guessed the frame */
	bool has_offset;
	uint64_t offset; /* of the return address from the module's load bias */
};

/* Looks up a frame. 0 or -ENOMEM. RESOLVED must not move while its places are used. */
int resolve_frame(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved);

/* Is it certain, by the file at hand, that the frame's function has no unwind tables, and has a caller all the same? */
bool resolve_lacks_tables(const struct resolver *resolver, const struct frame *frame);

/* The file that a frame lies in. NULL if that is not known, or the file is not at hand. */
struct object *resolve_object(const struct resolver *resolver, const struct frame *frame);

#endif
