/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See cli.h. */
#include "cli.h"
#include "cursor.h"
#include "dump.h"
#include "escape.h"
#include "not_trace.h"
#include "progress.h"
#include "search.h"
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program = "log-malloc2";

void cli_start(const char *name)
{
	program = name;
}

static void print_error(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

static void print_error(const char *fmt, va_list args)
{
	char *message = NULL, *shown = NULL;
	int len = vasprintf(&message, fmt, args);

	progress_hide();
	/* Results that were printed before must appear before the message. Streams write to standard output, too. */
	fflush(NULL);
	fflush(stdout);
	/* Names in a message may contain control characters. */
	if (len >= 0)
		shown = escape_printable(message, (size_t)len);
	fprintf(stderr, "%s: %s\n", program, shown ? shown : strerror(ENOMEM));
	free(shown);
	if (len >= 0)
		free(message);
}

void cli_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_error(fmt, args);
	va_end(args);
}

void cli_usage_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_error(fmt, args);
	va_end(args);
	cli_usage_hint();
}

void cli_usage_hint(void)
{
	fprintf(stderr, "Try '%s --help'.\n", program);
	exit(CLI_TROUBLE);
}

uint64_t cli_pid(const char *text)
{
	struct cursor c = cursor_start(text, strlen(text));
	uint64_t pid;

	if (!cursor_number(&c, &pid) || !cursor_at_end(&c) || pid == 0 || pid > INT32_MAX)
		cli_usage_error("'%s' is not a process id", text);
	return pid;
}

struct unit {
	const char *name;
	uint64_t size;
};

/* TEXT as a number and one of UNITS; the last unit has an empty name. Otherwise the error is "TEXT is not WHAT". */
static uint64_t measure(const char *text, const struct unit *units, const char *what)
{
	struct cursor c = cursor_start(text, strlen(text));
	uint64_t number;
	size_t left;

	if (!cursor_number(&c, &number))
		cli_usage_error("'%s' is not %s", text, what);
	left = (size_t)(c.end - c.at);
	for (;; units++) {
		if (strlen(units->name) == left && memcmp(units->name, c.at, left) == 0 &&
		    number <= UINT64_MAX / units->size)
			return number * units->size;
		if (!units->name[0])
			cli_usage_error("'%s' is not %s", text, what);
	}
}

uint64_t cli_number(const char *text)
{
	static const struct unit units[] = {{"", 1}};

	return measure(text, units, "a number");
}

uint64_t cli_bytes(const char *text)
{
	static const struct unit units[] = {
		{"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20}, {"G", UINT64_C(1) << 30}, {"", 1}};

	return measure(text, units, "a number of bytes");
}

uint64_t cli_milliseconds(const char *text)
{
	static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};

	return measure(text, units, "a time: 500ms, 30s, 5m or 2h");
}

/* The names as "A, B or C". The caller frees it; NULL without memory. */
static char *list_names(const char *const *names, size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
	fclose(out);
	return text;
}

size_t cli_choice(const char *name, const char *what, const char *const *names, size_t count)
{
	char *list;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	list = list_names(names, count);
	cli_usage_error("'%s' is not %s: %s", name, what, list ? list : strerror(ENOMEM));
}

enum metric cli_metric(const char *name)
{
	enum metric metric = metric_find(name);

	if (metric == METRIC_COUNT)
		cli_usage_error("'%s' is none of leaked, peak, allocated, calls, temporary", name);
	return metric;
}

void cli_version(void)
{
	printf("%s (log-malloc2) %s\n", program, LM_VERSION);
	puts("License GPL-3.0-or-later: this is free software, there is NO WARRANTY.");
	exit(cli_finish(CLI_OK));
}

bool cli_symbol_option(struct search_options *options, int option, const char *argument)
{
	int error = 0;

	switch (option) {
	case CLI_EXE:
		error = search_add_exe(options, argument);
		break;
	case CLI_DEBUG_DIR:
		error = search_add_debug_dir(options, argument);
		break;
	case CLI_SYSROOT:
		options->sysroot = argument;
		break;
	case CLI_DEBUGINFOD:
		if (!getenv("DEBUGINFOD_URLS"))
			cli_usage_error("--debuginfod: DEBUGINFOD_URLS names no server");
		options->debuginfod = true;
		break;
	default:
		return false;
	}
	if (error)
		cli_usage_error("%s", strerror(-error));
	return true;
}

void cli_complain(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context;
	if (line)
		cli_error("%s:%" PRIu64 ": %s", file, line, message);
	else
		cli_error("%s: %s", file, message);
}

/* TRACE, which was opened with ERROR; NULL after a message, and TRACE is freed. */
static struct trace *opened(struct trace *trace, int error, const char *path)
{
	const char *what = NULL;

	if (trace && !error && (what = not_trace_find(&trace->input.source))) {
		trace_close(trace);
		error = -EINVAL;
	}
	if (trace && !error) {
		trace->input.progress = progress_line(program);
		return trace;
	}
	if (error == -EISDIR)
		what = "this is a directory, not a trace";
	cli_error("%s: %s", path, what ? what : strerror(-error));
	free(trace);
	return NULL;
}

struct trace *cli_open_trace(const char *path, const struct diag *diag)
{
	struct trace *trace = malloc(sizeof *trace);

	return opened(trace, trace ? trace_open(trace, path, diag) : -ENOMEM, path);
}

struct trace *cli_open_dump(const char *path, const struct diag *diag)
{
	struct trace *trace = NULL;
	struct dump dump;
	int error = dump_read(&dump, path, diag);

	if (error)
		return opened(NULL, error, path);
	if (!dump.buffers) {
		cli_error("%s: there is no trace of a chip in this memory dump", path);
		free(dump.text);
		return NULL;
	}
	trace = malloc(sizeof *trace);
	if (!trace)
		free(dump.text);
	return opened(trace, trace ? trace_open_text(trace, path, dump.text, dump.len, diag) : -ENOMEM, path);
}

char *cli_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return NULL;
	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

enum cli_status cli_close_trace(struct trace *trace, int error)
{
	const struct source *source = &trace->input.source;
	enum cli_status status = CLI_OK;

	progress_hide();
	if (error)
		cli_error("%s: %s", trace->input.name, strerror(-error));
	else if (!trace->records && !source->is_stopped)
		cli_error("%s: %s", trace->input.name,
		          source->used || source->has_rest ? "not a trace: nothing in it could be read"
		                                           : "this is empty: nothing was recorded into it");
	if (error || !trace->records)
		status = CLI_TROUBLE;
	trace_close(trace);
	free(trace);
	return status;
}

int cli_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_error("cannot write standard output: %s", strerror(errno));
	return CLI_TROUBLE;
}
