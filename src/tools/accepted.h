/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --suppressions of log-malloc-report: leaks that are accepted do not count as leaked. */
#ifndef LM_ACCEPTED_H
#define LM_ACCEPTED_H

#include "amount.h"
#include "consumers.h"
#include "diag.h"
#include "resolve.h"
#include "stacks.h"
#include "suppress.h"

#include <stdbool.h>

/* An accepted of zeros is valid: all leaks count. */
struct accepted {
	bool is_wanted;       /* a file was loaded */
	bool without_builtin; /* set by the caller before accepted_begin() */
	struct suppressions suppressions;
	struct amount amount; /* what was accepted of the present image */
};

/* Adds the suppressions in a file. 0, or -errno after a message. */
int accepted_load(struct accepted *accepted, const char *path, const struct diag *diag);

/* To be called when all files are loaded. 0 or -ENOMEM. */
int accepted_begin(struct accepted *accepted);

/* To be called at the end of an image: what is accepted of CONSUMERS counts as released. 0 or -ENOMEM. */
int accepted_apply(struct accepted *accepted, const struct resolver *resolver, const struct stacks *stacks,
                   struct consumers *consumers);

/* To be called between images. */
void accepted_next_image(struct accepted *accepted);

void accepted_free(struct accepted *accepted);

#endif
