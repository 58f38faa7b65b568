/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are often given in the place of a trace. */
#ifndef LM_NOT_TRACE_H
#define LM_NOT_TRACE_H

#include "source.h"

/* What the file is, and what to do, by its first bytes; NULL if it may be a trace. */
const char *not_trace_find(const struct source *source);

#endif
