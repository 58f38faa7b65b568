/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads lines, and what stands below a record: frames, or the content of a file. Part of trace.h's work. */
#ifndef LM_READER_BELOW_H
#define LM_READER_BELOW_H

#include "trace.h"

/*
 * Reads the next line into trace->line. 1, 0 at the end, or -errno. WHOLE tells
 * whether the line can be used. The last line may lack its newline without a report.
 */
int below_read_line(struct trace *trace, bool *whole);

/* Reads the frames below a record, up to the next record. 0 or -errno. */
int below_take_stack(struct trace *trace, uint32_t *stack);

/* The same below the line of a common event. The most likely backtraces are compared first. */
int below_take_expected(struct trace *trace, uint32_t *stack);

/* Reads the line of a frame of a packed trace. 0 or -errno. */
int below_take_single_frame(struct trace *trace);

/* Takes a line of the content of a file. Only a memory map is used. 1, 0 if it can't be read, or -ENOMEM. */
int below_take_file_line(struct trace *trace);

/* Reads the content of a file up to the next record. 0 or -errno. */
int below_take_file(struct trace *trace);

#endif
