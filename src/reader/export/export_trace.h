/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the items of a trace as a trace again, in the full or in the compact format. */
#ifndef LM_READER_EXPORT_TRACE_H
#define LM_READER_EXPORT_TRACE_H

#include "numbers.h"
#include "text_out.h"
#include "trace.h"
#include "trace_format.h"

#include <stdbool.h>
#include <stdint.h>

/* A struct of zeros and the caller's fields is one that has written nothing. */
struct export_trace {
	struct text_out *out;  /* the caller's */
	enum lm_format format; /* LM_FORMAT_FULL or LM_FORMAT_COMPACT */
	/* Not all calls will come. Then a moment is written only if one of them follows. */
	bool is_part;
	bool says_format; /* a FORMAT line was written */
	/* The rest belongs to the present image. */
	bool has_time; /* a TIME line waits for what it belongs to */
	uint64_t time;
	uint64_t lost; /* events that LOST lines told of */
	/* Of a part: blocks that were live when the file began are held until their number is known. */
	bool holds_live;
	uint64_t live;
	struct numbers written; /* compact: the backtrace that a number stands for */
	struct numbers numbers; /* compact: the number of a backtrace that the trace does not number */
	uint32_t count;         /* of those */
};

/*
 * Writes ITEM. All items of TRACE have to come but for calls, each after trace_next(),
 * and the trace has to be read with_lines. The events of a packed trace have to have
 * their totals (totals.h). 0 or -ENOMEM; OUT has errors of writing.
 */
int export_trace(struct export_trace *export, const struct trace *trace, const struct trace_item *item);

/* To be called also if reading ends before the end of an image. */
void export_trace_free(struct export_trace *export);

#endif
