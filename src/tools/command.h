/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands that read traces have in common: a command line, options
 * that all of them know by the same letters, a trace at a time, image by image.
 * What a command is, it says in a struct command; what it does with a trace is its own.
 */
#ifndef LM_COMMAND_H
#define LM_COMMAND_H

#include "cli.h"
#include "diag.h"
#include "resolve.h"
#include "search.h"
#include "trace.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
/* Of the commands that print frames: part of the table for getopt_long(), and of the help. */
#define COMMAND_FRAME_OPTIONS \
	{"no-translate", no_argument, NULL, 'n'}, \
	{"full-names", no_argument, NULL, 'f'}, \
	CLI_SYMBOL_OPTIONS

#define COMMAND_FRAME_HELP \
	"  -n, --no-translate    frames as they are in the trace: no functions and files\n" \
	"  -f, --full-names      whole names and whole paths\n" \
	CLI_SYMBOL_HELP

/* The end of every table, and of the options in the help. */
#define COMMAND_LAST_OPTIONS \
	{"help", no_argument, NULL, 'h'}, \
	{"version", no_argument, NULL, 'V'}, \
	{NULL, 0, NULL, 0}

#define COMMAND_LAST_HELP \
	"  -h, --help            this text\n" \
	"  -V, --version         the version\n" \
	"\n"
/* clang-format on */

struct command {
	const char *name; /* in front of every message */
	const char *help;
	const char *letters; /* of the options, for getopt_long() */
	const struct option *options;
	/* Takes an OPTION of the command's own; false if it is none. */
	bool (*take)(void *context, int option, const char *argument);
};

/* What the user wants, as far as it is the same everywhere, and the trace that is being read. */
struct command_work {
	bool as_written; /* -n */
	bool full_names; /* -f */
	bool has_pid;    /* -p */
	uint64_t pid;
	bool has_top; /* -t */
	uint64_t top;
	struct search_options search;
	struct diag diag;
	struct symbols *symbols;
	struct trace *trace;
	uint64_t malformed; /* its lines that could not be read, before this image */
};

/*
 * Takes the options: those that are not COMMAND's own into WORK. --help, --version and
 * what is no option end the program. The other arguments, NULL behind the last.
 */
char **command_parse(const struct command *command, struct command_work *work, void *context, int argc, char **argv);

/* To be called once before frames are looked up. False after a message. */
bool command_look_up(struct command_work *work);

/* Opens the trace at PATH, lets READ take it (0 or -errno), and closes it: CLI_OK, or CLI_TROUBLE after a message. */
enum cli_status command_read(struct command_work *work, const char *path, int (*read)(void *context), void *context);

/*
 * Lets TAKE have each item of the trace, until it returns an error. 0 or
 * -errno. To be called by READ.
 */
int command_each_item(struct command_work *work, int (*take)(void *context, const struct trace_item *item),
                      void *context);

/* At the end of an image: is it one to be reported, with anything in it and of the process that was asked for? */
bool command_wants_image(const struct command_work *work);

/* Its lines that could not be read. */
uint64_t command_malformed(const struct command_work *work);

/* How its frames are looked up; valid as long as the image. */
struct resolver command_resolver(const struct command_work *work);

/* Behind it: another image begins. */
void command_next_image(struct command_work *work);

/* What the program exits with: STATUS, if it could all be written. */
int command_finish(struct command_work *work, int status);

#endif
