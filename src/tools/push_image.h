/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What log-malloc-push has of the process image that it reads, and the profiles that it makes of it: what is in use
 * now, and what was allocated since the profile before. No store, no clock.
 */
#ifndef LM_PUSH_IMAGE_H
#define LM_PUSH_IMAGE_H

#include "consumers.h"
#include "export.h"
#include "locations.h"
#include "trace.h"

#include <stddef.h>
#include <stdint.h>

/* What was allocated up to a moment, by the consumers' places. */
struct push_moment {
	struct amount *allocated;
	size_t count;
};

struct push_image {
	struct consumers consumers;
	struct locations locations; /* set by the caller */
	uint64_t from; /* when the next profile begins: milliseconds since 1970; set by the caller at first */
	struct push_moment before; /* what earlier profiles have; zeros: nothing */
	/* What older files of the trace allocated that no profile has yet; or NULL. Memory grows with the backtraces.
	 */
	struct export_pprof *older;
};

struct push_profile {
	char *bytes;
	size_t len;
	uint64_t to; /* when it ends */
	struct push_moment now;
};

/* Makes a profile of IMAGE up to TO, in milliseconds since 1970. 0 or -errno. */
int push_image_profile(struct push_image *push, const struct trace_image *image, uint64_t to,
                       struct push_profile *profile);

/* PROFILE was delivered: the next one has what came after it. */
void push_image_advance(struct push_image *push, struct push_profile *profile);

void push_profile_free(struct push_profile *profile);

/* The trace goes on in another file: the next profile has what this one, IMAGE, allocated, too. 0 or -errno. */
int push_image_leave_file(struct push_image *push, const struct trace_image *image);

/* What older files allocated is in no profile. */
void push_image_forget_older(struct push_image *push);

/* Frees what belongs to the image, but neither the locations nor what older files allocated. */
void push_image_free(struct push_image *push);

#endif
