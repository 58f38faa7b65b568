/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See push_options.h. */
#include "push_options.h"
#include "trace_of.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char help[] =
	"Usage: log-malloc-push [OPTION]... URL TRACE...\n"
	"       log-malloc-push [OPTION]... -p PID URL\n"
	"Sends what traced programs have in use, and what they allocated since, to a store of\n"
	"profiles at URL, again and again until they end. TRACE is a file that a program is\n"
	"writing, or one that has ended: then one profile is sent.\n"
	"\n"
	"  -p, --pid PID         the trace of the running process PID; can be repeated\n"
	"      --every TIME      how often; 15s by default, 1s at least\n"
	"      --name NAME       the program's name in the store; default: that of its file\n"
	"      --label KEY=VALUE a label of the profiles in the store; can be repeated\n"
	"      --format FORMAT   pyroscope (as Grafana Pyroscope's /ingest takes it) or pprof (the\n"
	"                        profile alone, compressed by gzip); default: pyroscope\n"
	"      --header TEXT     a header of each request, as \"X-Scope-OrgID: team\"; @FILE: those\n"
	"                        in the lines of FILE; can be repeated\n"
	"      --token-file FILE a token for \"Authorization: Bearer\"; or LOG_MALLOC_PUSH_TOKEN in\n"
	"                        the environment; ~/.netrc is read, too\n"
	"      --timeout TIME    how long a delivery may take; default: 10s\n" CLI_SYMBOL_HELP COMMAND_LAST_HELP
	"Exit status: 0 each program's last profile was delivered, 1 one was not, 2 usage or\n"
	"trouble. SIGINT and SIGTERM end it as the end of the programs does.\n";

enum option_value { EVERY = COMMAND_NEXT_OPTION, NAME, LABEL, FORMAT, HEADER, TOKEN_FILE, TIMEOUT };

static const struct option table[] = {
	{"pid", required_argument, NULL, 'p'},
	{"every", required_argument, NULL, EVERY},
	{"name", required_argument, NULL, NAME},
	{"label", required_argument, NULL, LABEL},
	{"format", required_argument, NULL, FORMAT},
	{"header", required_argument, NULL, HEADER},
	{"token-file", required_argument, NULL, TOKEN_FILE},
	{"timeout", required_argument, NULL, TIMEOUT},
	CLI_SYMBOL_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

enum { EVERY_MS = 15000, EVERY_MIN_MS = 1000, TIMEOUT_MS = 10000 };

static void add_string(struct push_strings *strings, const char *text)
{
	const char **list = reallocarray(strings->list, strings->count + 2, sizeof(const char *));

	if (list && text) {
		list[strings->count++] = text;
		list[strings->count] = NULL;
		strings->list = list;
		return;
	}
	cli_usage_error("%s", strerror(ENOMEM));
}

static void add_label(struct push_options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	char *labels;
	size_t key = 0;

	while (isalnum((unsigned char)text[key]) || text[key] == '_')
		key++;
	if (!key || text + key != equals || isdigit((unsigned char)*text) || strpbrk(equals + 1, ",={}"))
		cli_usage_error("'%s' is no label: KEY=VALUE, where KEY has letters, digits and _, and VALUE none of "
		                ", = { }",
		                text);
	if (asprintf(&labels, "%s%s%s", options->labels ? options->labels : "", options->labels ? "," : "", text) < 0)
		cli_usage_error("%s", strerror(ENOMEM));
	free(options->labels);
	options->labels = labels;
}

static FILE *open_secret(const char *path)
{
	FILE *in = fopen(path, "re");

	if (!in)
		cli_usage_error("%s: %s", path, strerror(errno));
	return in;
}

/* The next line of IN without its newline, to be freed; NULL at the end. */
static char *read_line(FILE *in)
{
	char *line = NULL;
	size_t room = 0;

	if (getline(&line, &room, in) < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

/* Who lists processes sees their arguments. */
static void add_header(struct push_options *options, const char *text)
{
	static const char secret[] = "Authorization";
	const char *colon = strchr(text, ':');
	FILE *in;
	char *line;

	if (*text != '@') {
		if (!colon)
			cli_usage_error("'%s' is no header: NAME: VALUE", text);
		if (strncasecmp(text, secret, strlen(secret)) == 0)
			cli_usage_error("others can read it there: give that header by --header @FILE, or "
			                "--token-file");
		add_string(&options->headers, text);
		return;
	}
	in = open_secret(text + 1);
	while ((line = read_line(in)))
		if (*line)
			add_string(&options->headers, line);
		else
			free(line);
	fclose(in);
}

static const char *read_token(const char *path)
{
	FILE *in = open_secret(path);
	char *token = read_line(in);

	fclose(in);
	if (!token || !*token)
		cli_usage_error("%s: there is no token in it", path);
	return token;
}

static uint64_t time_of(const char *option, const char *text, uint64_t least)
{
	uint64_t ms = cli_milliseconds(text);

	if (ms < least || ms > INT_MAX)
		cli_usage_error("--%s: '%s' is too %s", option, text, ms < least ? "short" : "long");
	return ms;
}

static void add_process(struct push_options *options, const char *text)
{
	char path[PATH_MAX];

	if (!trace_of_find(path, cli_pid(text)))
		exit(CLI_TROUBLE);
	add_string(&options->paths, strdup(path));
	/* The list keeps the copy. The analyzer does not follow it there. */
} // NOLINT(clang-analyzer-unix.Malloc)

static bool take_option(void *context, int option, const char *argument)
{
	static const char *const formats[STORE_KINDS] = {[STORE_PYROSCOPE] = "pyroscope", [STORE_BARE] = "pprof"};
	struct push_options *options = context;

	switch (option) {
	case 'p':
		add_process(options, argument);
		return true;
	case EVERY:
		options->every = time_of("every", argument, EVERY_MIN_MS);
		return true;
	case NAME:
		options->name = argument;
		return true;
	case LABEL:
		add_label(options, argument);
		return true;
	case FORMAT:
		options->store.kind = (enum store_kind)cli_choice(argument, "a format", formats, STORE_KINDS);
		return true;
	case HEADER:
		add_header(options, argument);
		return true;
	case TOKEN_FILE:
		options->store.token = read_token(argument);
		return true;
	case TIMEOUT:
		options->store.timeout = time_of("timeout", argument, 1);
		return true;
	default:
		return false;
	}
}

/* The rest of the command line: URL, and traces. */
static void take_words(struct push_options *options, char **words)
{
	if (!*words)
		cli_usage_error("the URL of a store is needed");
	options->store.url = *words;
	while (*++words)
		add_string(&options->paths, *words);
	if (!options->paths.count)
		cli_usage_error("a TRACE is needed, or -p PID");
	if (options->store.kind == STORE_BARE && (options->name || options->labels))
		cli_usage_error("--format=pprof has no place for a name and labels: the URL may have one");
	if (options->name && strpbrk(options->name, "{}"))
		cli_usage_error("'%s' is no name: labels are given by --label", options->name);
}

void push_options_parse(struct push_options *options, struct command_work *work, int argc, char **argv)
{
	static const struct command command = {"log-malloc-push", help, "p:hV", table, take_option};
	static const char *const no_headers[] = {NULL};
	const char *token = secure_getenv("LOG_MALLOC_PUSH_TOKEN");

	*options = (struct push_options){.every = EVERY_MS, .store.timeout = TIMEOUT_MS};
	options->store.token = token && *token ? token : NULL;
	take_words(options, command_parse(&command, work, options, argc, argv));
	options->store.headers = options->headers.list ? options->headers.list : no_headers;
}
