/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages about what a trace has and what can't be read. Part of trace.h's work. */
#ifndef LM_READER_COMPLAIN_H
#define LM_READER_COMPLAIN_H

#include "trace.h"

/* Counts and reports a fault of LINE; each fault of a line once. A line that NUL bytes cut into pieces is one line. */
void complain(struct trace *trace, uint64_t line, const char *message);

/* To be called in front of each line and each packed record: is something missing in front of LINE? */
void complain_of_gap(struct trace *trace, uint64_t line, bool after_nuls);

/* To be called with the first record that is no header: says what waited for the trace to be known better. */
void complain_now(struct trace *trace);

/* Tells once for each image that a WHAT ("node", "frame") is named and not there. That is no fault of a line. */
void complain_of_lack(struct trace *trace, uint64_t line, const char *what, uint64_t number);

#endif
