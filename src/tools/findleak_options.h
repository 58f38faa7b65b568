/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of log-malloc-findleak: its options and its help. */
#ifndef LM_FINDLEAK_OPTIONS_H
#define LM_FINDLEAK_OPTIONS_H

#include "command.h"
#include "findleak.h"
#include "findleak_find.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct findleak_options {
	struct findleak_wanted wanted;
	unsigned kinds; /* --show: a bit, 1 << state, for each */
	bool wants_lost;
	pid_t pid; /* --lost: the process that is looked into; 0: the one that the trace names */
	bool without_builtin;
	bool own_calls_do; /* --accept-own-calls */
	bool has_budget;
	uint64_t budget; /* --max-bytes */
	const struct findleak_format *format;
};

/*
 * Common options go to WORK, the user's suppressions to SUPPRESSIONS. Ends the program for --help, --version and wrong
 * options. The paths of traces, NULL behind the last; there may be none.
 */
char **findleak_options_parse(struct findleak_options *options, struct command_work *work,
                              struct suppressions *suppressions, int argc, char **argv);

#endif
