/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What log-malloc-findleak keeps of the process image that it reads: the blocks in use, how they grew, releases that
 * were wrong, and what somebody saw who looked into the process. What of that is a leak is said elsewhere
 * (findleak_find.h).
 */
#ifndef LM_FINDLEAK_IMAGE_H
#define LM_FINDLEAK_IMAGE_H

#include "frees.h"
#include "heap.h"
#include "history.h"
#include "moments.h"
#include "trace.h"
#include "unreached.h"
#include "window.h"

#include <stdbool.h>

struct findleak_image {
	/* Set by the caller, for all images of a trace: */
	const struct trace *trace;
	struct window *window;
	bool can_read_twice; /* the trace is a file */
	/* About the image that is being read: */
	struct heap heap;
	struct history history;
	struct frees frees;
	struct moments moments;
	uint64_t live_line; /* the last of the blocks that were live when the file began; 0: it does not tell of any */
	struct unreached unreached; /* what somebody saw who looked into the process */
};

/* Forgets the image that is over. To be called in front of the first one, too. The image has to stay where it is. */
void findleak_image_next(struct findleak_image *kept);

/* Takes an item of the trace, one after another. With TRACE_END, the image is whole. 0 or -errno. */
int findleak_image_take(struct findleak_image *kept, const struct trace_item *item);

#endif
