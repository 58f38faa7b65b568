/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What follows from how the tracker got into a process: what it can't have seen. */
#ifndef LM_READER_FLAVOUR_H
#define LM_READER_FLAVOUR_H

#include "trace.h"

#include <stddef.h>

/* Takes the word of a FLAVOUR line. Words that are not known say nothing. */
void flavour_set(struct trace_image *image, const char *word, size_t len);

/* What a flavour does not see, for people. */
struct flavour_lack {
	const char *unseen; /* which calls: "calls from ..." */
	const char *brief;  /* the same for a line of many facts: "calls from ... are not seen" */
	const char *advice; /* what helps: "set ..." */
};

enum { FLAVOUR_LACKS = 2 };

/* NULL if IMAGE is not partial. */
const struct flavour_lack *flavour_lack(const struct trace_image *image);

#endif
