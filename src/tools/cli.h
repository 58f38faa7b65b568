/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all commands share: messages with the command's name in front, exit
 * statuses, numbers from the command line, --version, and opening a trace.
 */
#ifndef LM_CLI_H
#define LM_CLI_H

#include "consumers.h"

#include <stdbool.h>
#include <stdint.h>

struct diag;
struct search_options;
struct trace;

enum cli_status {
	CLI_OK = 0,       /* the command did its work and found nothing */
	CLI_FINDINGS = 1, /* the command found what it looks for: leaks, growth */
	CLI_TROUBLE = 2,  /* wrong usage, or the work could not be done */
};

/* To be called first in main(). NAME stands in front of every message. */
void cli_start(const char *name);

/* Prints "prog: message" on standard error. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints the message and a hint at --help, and exits with CLI_TROUBLE. */
_Noreturn void cli_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same without a message, for what getopt_long() has complained about. */
_Noreturn void cli_usage_hint(void);

/* Parses a process id from the command line. Anything else is a usage error. */
uint64_t cli_pid(const char *text);

/* Parses a number from the command line. Anything else is a usage error, here and below. */
uint64_t cli_number(const char *text);

/* Parses a number of bytes: "100", "64K", "1M", "2G", with units of 1024. */
uint64_t cli_bytes(const char *text);

/* Parses a time: "500ms", "30s", "5m", "2h"; seconds without a unit. In milliseconds. */
uint64_t cli_milliseconds(const char *text);

/*
 * The index of NAME among COUNT names. Any other name is a usage error:
 * "'NAME' is not WHAT: A, B or C".
 */
size_t cli_choice(const char *name, const char *what, const char *const *names, size_t count);

/* The metric with this name. Any other name is a usage error. */
enum metric cli_metric(const char *name);

/* For --version: prints name, version and licence, and exits with CLI_OK. */
_Noreturn void cli_version(void);

/*
 * The options of all commands that look symbols up: lines for the command's
 * option table and for its help.
 */
enum {
	CLI_EXE = 0x100,
	CLI_DEBUG_DIR,
	CLI_SYSROOT,
	CLI_DEBUGINFOD,
	CLI_SINCE,
	CLI_UNTIL,
	CLI_BETWEEN,
	CLI_NEXT_OPTION
};

/* clang-format off */
#define CLI_SYMBOL_OPTIONS \
	{"exe", required_argument, NULL, CLI_EXE}, \
	{"debug-dir", required_argument, NULL, CLI_DEBUG_DIR}, \
	{"sysroot", required_argument, NULL, CLI_SYSROOT}, \
	{"debuginfod", no_argument, NULL, CLI_DEBUGINFOD}

#define CLI_SYMBOL_HELP \
	"      --exe FILE        a program or library that the trace came from; can be repeated\n" \
	"      --debug-dir DIR   look for separate debug information in DIR first; can be repeated\n" \
	"      --sysroot DIR     a trace of another machine, whose files are below DIR\n" \
	"      --debuginfod      ask the servers in DEBUGINFOD_URLS for debug information\n"
/* clang-format on */

/* True if OPTION is one of them; then ARGUMENT is kept in OPTIONS, and must stay valid. */
bool cli_symbol_option(struct search_options *options, int option, const char *argument);

/* For struct diag: prints "prog: file:line: message" on standard error. */
void cli_complain(void *context, const char *file, uint64_t line, const char *message);

/* Opens a trace. It lies on the heap because it is large. NULL after a message. */
struct trace *cli_open_trace(const char *path, const struct diag *diag);

/* The same for the chips' traces in the memory dump at PATH (dump.h). */
struct trace *cli_open_dump(const char *path, const struct diag *diag);

/* The directory of the file at PATH, to be freed; NULL if that is standard input, or without memory. */
char *cli_directory(const char *path);

/*
 * Closes and frees the trace. ERROR is what reading ended with, 0 or -errno.
 * CLI_OK; or CLI_TROUBLE after a message, if there was an error or no record.
 */
enum cli_status cli_close_trace(struct trace *trace, int error);

/* Flushes standard output. STATUS, or CLI_TROUBLE if something could not be written. */
int cli_finish(int status);

#endif
