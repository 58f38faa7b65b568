/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc --report FILE: when the command has ended, log-malloc-report makes FILE of
 * its trace. Without a place that was asked for, the trace is in a directory of its own
 * below TMPDIR, which is removed when the report is there: who asks for a picture has no
 * use for a trace that may be a thousand times as large. Traces of several processes
 * are kept, as some of these may go on when the command has ended.
 */
#ifndef LM_MAKE_REPORT_H
#define LM_MAKE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct destination;

struct make_report {
	const char *file; /* NULL: no report is wanted */
	char *directory;  /* of the trace, if it is to be removed; else NULL */
	char *name;       /* of the trace in it, as destination_choose() takes it */
	char **traces;    /* the command's first */
	size_t count, room;
};

/* Does the name of a file end in what a report can be: .html or .svg? */
bool make_report_knows(const char *file);

/*
 * Before the command runs: makes the directory, unless a place for the trace TO was chosen, or SEVERAL processes are
 * traced; then TO lies there. False after a message.
 */
bool make_report_prepare(struct make_report *report, struct destination *to, bool several);

/* Adds a trace. */
void make_report_add(struct make_report *report, const char *path);

/* The command did not run: removes the directory. */
void make_report_drop(struct make_report *report);

/*
 * Makes the report, and says where it is unless QUIET; or why there is none, and where the trace is. OWN_NAME is what
 * this program was called as.
 */
void make_report_finish(struct make_report *report, const char *own_name, bool quiet);

#endif
