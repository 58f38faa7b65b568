/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc-findleak found out about one process image, and the formats that say it. */
#ifndef LM_FINDLEAK_H
#define LM_FINDLEAK_H

#include "frees.h"
#include "leaks.h"
#include "moments.h"
#include "resolve.h"
#include "suppress.h"
#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct findings {
	const struct trace_image *image;
	const char *name; /* of the trace's file */
	bool first;       /* of all images of all traces */
	bool several;     /* there are other traces */
	const struct resolver *resolver;
	const struct suppressions *suppressions;
	const struct moments *moments;
	struct leaks leaks;
	struct frees frees;
	uint64_t malformed; /* lines of the image that could not be read */
	bool ends_early;    /* the trace was cut in it */
	bool failed;        /* more leaked than is allowed */
	bool full_names;
	uint64_t top; /* so many groups of frees are worth showing, 0 for all */
};

/* Of all images. */
struct totals {
	uint64_t images;
	struct leaks_sum leaks, suppressed, young;
	uint64_t frees[FREES_KINDS];
	uint64_t lost, malformed;
	bool no_beginning, ends_early;
	bool has_budget, over_budget;
	uint64_t budget;
};

/* Each prints to standard output; 0 or -errno. Those that are NULL have nothing to say. */
struct findleak_format {
	int (*begin)(void);
	int (*image)(const struct findings *findings);
	int (*unreadable)(const char *name); /* a trace of which nothing can be told */
	int (*end)(const struct totals *totals, const struct suppressions *suppressions);
};

extern const struct findleak_format findleak_text, findleak_json, findleak_junit;

#endif
