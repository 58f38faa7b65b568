/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See complain.h. */
#include "complain.h"

#include <string.h>

void complain(struct trace *trace, uint64_t line, const char *message)
{
	if (line == trace->complained_line && strcmp(message, trace->complaint) == 0)
		return;
	trace->complained_line = line;
	trace->complaint = message;
	/* What it was is not known. It was most likely an event. */
	if (trace->noisy) {
		trace->malformed++;
		trace->image.lost++;
		return;
	}
	if (++trace->malformed <= TRACE_REPORTS_MAX)
		diag_report(trace->diag, trace->input.name, line, "%s", message);
}

/* In front of the first record, it may be noise of a link. Then nothing is said. */
static void complain_later(struct trace *trace, uint64_t line, const char *message)
{
	trace->junk = true;
	if (!trace->pending++) {
		trace->pending_line = line;
		trace->pending_message = message;
	}
}

void complain_now(struct trace *trace)
{
	if (trace->pending && !trace->noisy) {
		complain(trace, trace->pending_line, trace->pending_message);
		trace->malformed += trace->pending - 1;
	}
	trace->pending = 0;
}

void complain_of_gap(struct trace *trace, uint64_t line, bool after_nuls)
{
	static const char nuls[] = "NUL bytes in front of this line: something is missing here";
	static const char breaks[] = "the line breaks off";
	bool first = !trace->records && !trace->noisy;

	if (trace->unfinished && trace->unfinished != trace->pending_line)
		(first ? complain_later : complain)(trace, trace->unfinished, breaks);
	else if (!trace->unfinished && after_nuls && !trace->noisy)
		(first ? complain_later : complain)(trace, line, nuls);
	trace->unfinished = 0;
}

void complain_of_lack(struct trace *trace, uint64_t line, const char *what, uint64_t number)
{
	if (trace->image.lacks_backtraces)
		return;
	trace->image.lacks_backtraces = true;
	diag_report(trace->diag, trace->input.name, line,
	            "%s %llu is named here, but the trace does not have it: backtraces are incomplete", what,
	            (unsigned long long)number);
}
