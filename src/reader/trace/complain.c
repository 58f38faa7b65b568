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
	if (++trace->malformed <= TRACE_REPORTS_MAX)
		diag_report(trace->diag, trace->input.name, line, "%s", message);
}

void complain_of_gap(struct trace *trace, uint64_t line, bool after_nuls)
{
	if (trace->unfinished)
		complain(trace, trace->unfinished, "the line breaks off");
	else if (after_nuls)
		complain(trace, line, "NUL bytes in front of this line: something is missing here");
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
