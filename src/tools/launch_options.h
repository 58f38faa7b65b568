/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of log-malloc: its options, its help, and the command behind them. */
#ifndef LM_LAUNCH_OPTIONS_H
#define LM_LAUNCH_OPTIONS_H

#include "settings.h"

#include <stdbool.h>

struct launch_options {
	const char *output; /* NULL: not given */
	struct settings settings;
	bool quiet, verbose;
	bool operators;     /* C++'s operators are intercepted, too */
	const char *report; /* the file of --report, or NULL */
	char **command;     /* its words, NULL behind the last */
};

/* Ends the program for --help, --version and wrong usage. */
struct launch_options launch_options_parse(int argc, char **argv);

#endif
