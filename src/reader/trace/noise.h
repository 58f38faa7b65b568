/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace that came over a link, as a serial capture of a chip: other bytes stand in front of its records, between and
 * behind them, and bytes of records are missing. What can't be read is counted, and no message is made of each. An
 * event that may be damaged is not used. Part of trace.h's work.
 */
#ifndef LM_READER_NOISE_H
#define LM_READER_NOISE_H

#include "trace.h"

/* From here on, the trace is taken for such a one. */
void noise_begin(struct trace *trace);

/* The header of a trace was read. If other lines stood in front of it, the trace is such a one. */
void noise_take_header(struct trace *trace);

/* The line that was read last is no part of a trace, or may not be. A record inside of it is read next. */
void noise_take_line(struct trace *trace);

/* Can the line, which is no frame, be what is left of a record or a frame? */
bool noise_has_remains(const struct line *line);

/* Goes back to a record inside of the line that was read last. False if there is none. */
bool noise_find_record(struct trace *trace);

/* INIT tells what was in use before the first event. */
void noise_take_sum(struct trace *trace, const struct event *init);

/* Did the event's line lose bytes? Its numbers contradict each other, or those of the lines in front of it. */
bool noise_doubts(struct trace *trace, const struct event *event);

/* The same for the line of a frame. */
bool noise_doubts_frame(struct trace *trace, const struct line *line);

/* The same for a packed record, where the searching has just found one: is its address near others? */
bool noise_is_near(const struct trace *trace, uint64_t address);

/* Notes the address of a packed record that is not doubted. */
void noise_take_address(struct trace *trace, uint64_t address);

/* At the end: says what was left out. */
void noise_report(const struct trace *trace);

#endif
