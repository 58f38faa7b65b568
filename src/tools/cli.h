/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands share at their edges: their name in messages, exit
 * statuses, --version, and errors as "prog: message" on standard error.
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
	CLI_OK = 0,       /* fine, nothing found */
	CLI_FINDINGS = 1, /* the command found what it looks for */
	CLI_TROUBLE = 2,  /* wrong usage, or the work could not be done */
};

/* To be called first in main(): NAME goes in front of every message. */
void cli_start(const char *name);

/* "prog: message\n" on standard error. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cli_error(), a pointer to --help, and exit with CLI_TROUBLE. */
_Noreturn void cli_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What getopt_long() has already complained about: the pointer to --help, and exit with CLI_TROUBLE. */
_Noreturn void cli_usage_hint(void);

/* A process id from the command line; what is none is a usage error. */
uint64_t cli_pid(const char *text);

/* A number from the command line; what is none is a usage error, here and below. */
uint64_t cli_number(const char *text);

/* A number of bytes: "100", "64K", "1M", "2G" with units of 1024. */
uint64_t cli_bytes(const char *text);

/* A time: "500ms", "30s", "5m", "2h"; seconds without a unit. In milliseconds. */
uint64_t cli_milliseconds(const char *text);

/*
 * The index of NAME among COUNT names; what is none of them is a usage error,
 * "'NAME' is not WHAT: A, B or C".
 */
size_t cli_choice(const char *name, const char *what, const char *const *names, size_t count);

/* What consumers are to be compared by; what is none is a usage error. */
enum metric cli_metric(const char *name);

/* --version: prints name, version and licence, and exits with CLI_OK. */
_Noreturn void cli_version(void);

/*
 * The options of all commands that look symbols up: part of a command's table
 * for getopt_long(), of its help, and of what it does with them.
 */
enum { CLI_DEBUG_DIR = 0x100, CLI_SYSROOT, CLI_DEBUGINFOD, CLI_NEXT_OPTION };

/* clang-format off */
#define CLI_SYMBOL_OPTIONS \
	{"debug-dir", required_argument, NULL, CLI_DEBUG_DIR}, \
	{"sysroot", required_argument, NULL, CLI_SYSROOT}, \
	{"debuginfod", no_argument, NULL, CLI_DEBUGINFOD}

#define CLI_SYMBOL_HELP \
	"      --debug-dir DIR   look for separate debug information in DIR first\n" \
	"      --sysroot DIR     a trace of another machine, whose files are below DIR\n" \
	"      --debuginfod      ask the servers in DEBUGINFOD_URLS for debug information\n"
/* clang-format on */

/* Is OPTION one of them? ARGUMENT, which has to stay, then is in OPTIONS. */
bool cli_symbol_option(struct search_options *options, int option, const char *argument);

/* The reader's callback of diag.h: "prog: file:line: message" on standard error. */
void cli_complain(void *context, const char *file, uint64_t line, const char *message);

/* trace_open(), on the heap since it is large; NULL after a message. */
struct trace *cli_open_trace(const char *path, const struct diag *diag);

/*
 * Closes and frees it. ERROR is what reading ended with, 0 or -errno. Returns
 * CLI_OK, or CLI_TROUBLE after a message: an error, or nothing that could be read.
 */
enum cli_status cli_close_trace(struct trace *trace, int error);

/* Flushes standard output and turns a failed write into CLI_TROUBLE; else returns STATUS. */
int cli_finish(int status);

#endif
