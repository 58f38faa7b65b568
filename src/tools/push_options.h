/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of log-malloc-push: its options, its help, the store and the traces. */
#ifndef LM_PUSH_OPTIONS_H
#define LM_PUSH_OPTIONS_H

#include "command.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/* A list of strings, with NULL behind the last. */
struct push_strings {
	const char **list;
	size_t count;
};

struct push_options {
	uint64_t every;                     /* milliseconds between two profiles */
	const char *name;                   /* of the program in the store; NULL: that of its file */
	char *labels;                       /* "key=value,key=value"; NULL: none */
	struct push_strings headers, paths; /* PATHS: of the traces, at least one */
	struct store_settings store;
};

/* Common options go to WORK. Ends the program for --help, --version and wrong usage. */
void push_options_parse(struct push_options *options, struct command_work *work, int argc, char **argv);

#endif
