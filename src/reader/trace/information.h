/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an information line tells about a process image. Part of trace.h's work. */
#ifndef LM_READER_INFORMATION_H
#define LM_READER_INFORMATION_H

#include "trace.h"

/* Takes TRACE's record, an information line, and what stands below it. 0 or -errno. */
int information_take(struct trace *trace);

#endif
