/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of log-malloc: its options, its help, and the command behind them. */
#ifndef LM_LAUNCH_OPTIONS_H
#define LM_LAUNCH_OPTIONS_H

#include "settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct launch_options {
	const char *output; /* NULL: not given */
	struct settings settings;
	bool quiet, verbose;
	bool operators;     /* C++'s operators are intercepted, too */
	bool lost;          /* at the end, find the blocks that no pointer leads to */
	const char *report; /* the file of --report, or NULL */
	const char *run;    /* the command of --run, or NULL */
	char **command;     /* its words, NULL behind the last; none with PID */
	/* Of a process that runs already: */
	pid_t pid; /* 0: none */
	bool detach;
	uint64_t for_ms;     /* how long; 0: until it is detached */
	uint64_t growth;     /* until blocks of so many bytes are live; 0: the same */
	const char *library; /* NULL: our own */
};

/* Ends the program for --help, --version and wrong usage. */
struct launch_options launch_options_parse(int argc, char **argv);

#endif
