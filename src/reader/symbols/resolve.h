/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame as it is written -> functions, files and lines, with all that is known about the process. */
#ifndef LM_READER_RESOLVE_H
#define LM_READER_RESOLVE_H

#include "frame.h"
#include "maps.h"
#include "symbols.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct resolver {
	struct symbols *symbols;
	const struct maps *maps; /* of the process that wrote the frame; can be NULL */
	const char *dir;         /* where relative paths of objects begin; can be NULL */
	bool as_written;         /* look nothing up: what the frame says is all there is */
	enum symbols_detail detail;
};

struct resolved {
	struct symbols_places places;
	struct symbols_place named; /* what the frame itself says, where nothing better is known */
	char module[PATH_MAX];      /* the object's path where the traced process ran; "" if it is not known */
	bool has_offset;
	uint64_t offset; /* of the return address from the module's load bias */
};

/* 0 or -ENOMEM. RESOLVED has to stay where it is while its places are used. */
int resolve_frame(const struct resolver *resolver, const struct frame *frame, struct resolved *resolved);

#endif
