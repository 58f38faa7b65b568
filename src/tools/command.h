/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands that read traces have in common: options with the same
 * letters, opening one trace after another, and going through its items. A
 * command describes itself in a struct command.
 */
#ifndef LM_COMMAND_H
#define LM_COMMAND_H

#include "cli.h"
#include "diag.h"
#include "nameless.h"
#include "resolve.h"
#include "screen.h"
#include "search.h"
#include "trace.h"
#include "window.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* Values of options behind those of cli.h. A command's own begin with COMMAND_NEXT_OPTION. */
enum { COMMAND_COLOR = CLI_NEXT_OPTION, COMMAND_NEXT_OPTION };

/* clang-format off */
/* For the commands that print frames: lines for the option table and for the help. */
#define COMMAND_FRAME_OPTIONS \
	{"no-translate", no_argument, NULL, 'n'}, \
	{"full-names", no_argument, NULL, 'f'}, \
	{"color", required_argument, NULL, COMMAND_COLOR}, \
	CLI_SYMBOL_OPTIONS

#define COMMAND_FRAME_HELP \
	"  -n, --no-translate    frames as they are in the trace: no functions and files\n" \
	"  -f, --full-names      whole names and whole paths\n" \
	"      --color WHEN      auto (on a terminal, unless NO_COLOR is set), always or never\n" \
	CLI_SYMBOL_HELP

/* For the commands that can look at a part of a trace. */
#define COMMAND_WINDOW_OPTIONS \
	{"since", required_argument, NULL, CLI_SINCE}, \
	{"until", required_argument, NULL, CLI_UNTIL}, \
	{"between", required_argument, NULL, CLI_BETWEEN}

#define COMMAND_WINDOW_HELP \
	"      --since MOMENT    only what happened from then on: 90s after the program's\n" \
	"                        beginning, at 12:30:05, or from the mark with that name on\n" \
	"      --until MOMENT    only what happened before that\n" \
	"      --between A B     --since A --until B\n"

/* The end of every option table, and of the options in the help. */
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
	const char *letters; /* the short options, as getopt_long() has them */
	const struct option *options;
	/* Takes an option that only this command has; false for any other. */
	bool (*take)(void *context, int option, const char *argument);
};

/* The common options, and the trace that is being read. */
struct command_work {
	bool as_written; /* -n */
	bool full_names; /* -f */
	bool has_pid;    /* -p */
	uint64_t pid;
	bool has_top; /* -t */
	uint64_t top;
	enum screen_color color; /* --color */
	struct screen screen;    /* for text: open after command_open_screen() */
	struct nameless nameless;
	bool lacks_objects;   /* some image is of Python with an allocator of its own */
	struct window window; /* for the commands that have COMMAND_WINDOW_OPTIONS */
	struct search_options search;
	struct diag diag;
	struct symbols *symbols;
	struct perf_map perf; /* of the image that is being read */
	struct trace *trace;
	char *beside;       /* the directory of the trace; NULL if it has none */
	uint64_t malformed; /* lines of the trace that could not be read, before this image */
	struct {
		uint64_t done,
			size; /* bytes of the trace at which SIGINT ended reading, and that it has; 0: not known */
	} interrupted;
};

/*
 * Parses the command line. Common options go to WORK, the others to
 * COMMAND->take() with CONTEXT. --help, --version and wrong options end the
 * program. The other arguments, NULL behind the last.
 */
char **command_parse(const struct command *command, struct command_work *work, void *context, int argc, char **argv);

/* To be called once, before frames are looked up. False after a message. */
bool command_look_up(struct command_work *work);

/* Calls READ with the trace that was opened from PATH, and closes it. CLI_TROUBLE if TRACE is NULL. As below. */
enum cli_status command_read_opened(struct command_work *work, struct trace *trace, const char *path,
                                    int (*read)(void *context), void *context);

/* Reads a moment into EDGE. What is none is a usage error. */
void command_moment(struct window_edge *edge, const char *text);

/*
 * Makes two strings of "TRACE@MOMENT": the trace's path, which stays in ARGUMENT, and the moment, which is read into
 * EDGE. A file that has all of that for a name is meant itself.
 */
void command_split_moment(struct window_edge *edge, char *argument);

/* Opens the trace at PATH, calls READ (0 or -errno), and closes it. CLI_OK, or CLI_TROUBLE after a message. */
enum cli_status command_read(struct command_work *work, const char *path, int (*read)(void *context), void *context);

/*
 * Called by READ: calls TAKE with each item of the trace, until TAKE returns an
 * error. 0 or -errno.
 */
int command_each_item(struct command_work *work, int (*take)(void *context, const struct trace_item *item),
                      void *context);

/* At the end of an image: does it contain records, and is it of the process that the user asked for? */
bool command_wants_image(const struct command_work *work);

/* The number of the image's lines that could not be read. */
uint64_t command_malformed(const struct command_work *work);

/* Looks up the image's frames; valid as long as the image. */
struct resolver command_resolver(struct command_work *work);

/* For text: opens the screen. False after a message. */
bool command_open_screen(struct command_work *work);

/*
 * For text: prints what has to be said once a run, behind all backtraces. A total follows: scripts look for that in the
 * last line. Each hint begins with an empty line. True if there was one.
 */
bool command_print_hints(const struct command_work *work);

/* To be called behind the end of an image. */
void command_next_image(struct command_work *work);

/*
 * The program's exit status: STATUS, or CLI_TROUBLE if not all could be written. If SIGINT ended reading, it ends the
 * program now.
 */
int command_finish(struct command_work *work, int status);

#endif
