/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of log-malloc-report: its options, its help, and what goes together. */
#ifndef LM_REPORT_OPTIONS_H
#define LM_REPORT_OPTIONS_H

#include "accepted.h"
#include "command.h"
#include "consumers.h"
#include "consumers_print.h"

#include <stdbool.h>

enum report_format {
	REPORT_TEXT,
	REPORT_JSON,
	REPORT_HTML,
	REPORT_FOLDED,
	REPORT_MASSIF,
	REPORT_PPROF,
	REPORT_SVG,
	REPORT_FORMATS
};

struct report_options {
	enum report_format format;
	bool has_metric; /* --by */
	enum metric metric;
	bool only_lost;     /* --lost */
	bool by_thread;     /* the backtraces of different threads are told apart */
	bool sum;           /* only the sums are shown */
	const char *output; /* -o; NULL: standard output */
	struct view view;   /* what is known of it before there is an image */
};

/*
 * Common options go to WORK, suppressions to ACCEPTED. Ends the program for --help, --version and wrong usage. The
 * paths of traces, NULL behind the last.
 */
char **report_options_parse(struct report_options *options, struct command_work *work, struct accepted *accepted,
                            int argc, char **argv);

#endif
