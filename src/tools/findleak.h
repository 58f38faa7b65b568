/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc-findleak found in one process image, and the formats that it is printed in. */
#ifndef LM_FINDLEAK_H
#define LM_FINDLEAK_H

#include "backtrace_print.h"
#include "ending_text.h"
#include "frees.h"
#include "lacks.h"
#include "leaks.h"
#include "moments.h"
#include "resolve.h"
#include "suppress.h"
#include "trace.h"
#include "untabled.h"
#include "window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct findings {
	const struct trace_image *image;
	const char *name; /* the trace's file */
	bool first;       /* the first image of all traces */
	bool several;     /* more than one trace was given */
	const struct resolver *resolver;
	struct locations *locations;
	struct backtrace_style style; /* of text */
	const struct suppressions *suppressions;
	const struct moments *moments;
	const struct window *window;
	const struct unreached *unreached;
	unsigned kinds; /* --show: which states are shown */
	struct leaks leaks;
	struct frees frees;
	struct untabled untabled;
	uint64_t malformed; /* lines of the image that could not be read */
	bool ends_early;    /* the trace ends in the middle of the image */
	bool failed;        /* more leaked than is allowed */
	bool own_calls_do;  /* --accept-own-calls: the image need not have the calls that its flavour does not see */
	uint64_t top;       /* the number of groups of wrong frees that are shown; 0: all */
};

/* Is a part missing that the user wants to have, so that nothing can be said for certain about the image? */
static inline bool findings_are_uncertain(const struct findings *findings)
{
	return trace_is_missing_some(findings->image) || (findings->image->is_partial && !findings->own_calls_do);
}

/* The sums over all images. */
struct totals {
	const struct screen *screen; /* of text */
	uint64_t images;
	uint64_t looked_at; /* of these, it is known what pointers led to */
	struct leaks_sum leaks, suppressed, young, earlier, later;
	struct leaks_sum by_reach[REACH_KINDS]; /* of those */
	bool unknown;                           /* of some other image with many blocks that is not known */
	const char *unknown_running; /* the same of one whose process may still run: the trace's file; or NULL */
	uint64_t frees[FREES_KINDS];
	uint64_t accepted; /* mismatches that are suppressed */
	uint64_t lost, unkept, malformed;
	bool is_limited; /* some image has no allocations behind the LIMIT of the trace */
	uint64_t limit;
	uint64_t sample;    /* the mean distance of the samples of the last image that has any, in bytes; or 0 */
	struct lacks lacks; /* what some image does not have because of its flavour */
	bool own_calls_do;
	bool is_missing_some; /* nothing can be said for certain */
	bool no_beginning, ends_early;
	bool continued;          /* an image goes on in a newer file */
	bool running, cut;       /* of the images that end early: a process still runs; nothing is known of it */
	bool attached, detached; /* some process was attached to; the tracker left some that may still run */
	char killed[ENDING_MAX]; /* the last process that was killed: ending_text(); or "" */
	bool has_budget, over_budget;
	uint64_t budget;
};

/* Adds what was found in one image, which is over. */
void findleak_add_up(struct totals *totals, const struct findings *findings);

/* A format. Each function prints to standard output, and returns 0 or -errno; NULL: nothing is printed there. */
struct findleak_format {
	int (*begin)(void);
	int (*image)(const struct findings *findings);
	int (*unreadable)(const char *name); /* a trace that could not be read */
	int (*end)(const struct totals *totals, const struct suppressions *suppressions);
};

extern const struct findleak_format findleak_text, findleak_json, findleak_junit;

#endif
