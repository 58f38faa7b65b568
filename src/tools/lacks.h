/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several images do not have because of how the tracker got into them: each reason once. */
#ifndef LM_LACKS_H
#define LM_LACKS_H

#include "flavour.h"

#include <stddef.h>
#include <stdio.h>

/* Zeros are valid: nothing is missing. */
struct lacks {
	const struct flavour_lack *list[FLAVOUR_LACKS];
	size_t count;
};

void lacks_add(struct lacks *lacks, const struct trace_image *image);

/* "NOT SEEN: ..." and what helps, in lines of their own. FRONT stands in front of each. */
void lacks_print(const struct lacks *lacks, const char *front, FILE *out);

/* "; calls from ... are not seen" */
void lacks_print_brief(const struct lacks *lacks, FILE *out);

#endif
