/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-push: sends profiles of live traces to a store, again and again. Each trace has a process of its own here,
 * so that one store's answer delays one trace. The traced program writes to its trace whatever happens here.
 */
#include "command.h"
#include "plural.h"
#include "push_image.h"
#include "store.h"
#include "trace_of.h"
#include "writer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static const struct option options[] = {
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

enum {
	EVERY_MS = 15000,
	EVERY_MIN_MS = 1000,
	TIMEOUT_MS = 10000,
	/* So often it is looked whether the trace has grown. */
	LOOK_MS = 100,
	/* After failures, deliveries become rarer up to this distance, but not more often than --every says. */
	BACK_OFF_MAX_MS = 300000,
	/* No longer than this is a store obeyed that wants no other profile for some time. */
	ASKED_MAX_MS = 3600000,
	/* The clock is looked at after so many events. */
	EVENTS_A_LOOK = 1024,
	/* At the end, a delivery is tried so often, with so much time between. */
	LAST_TRIES = 3,
	LAST_PAUSE_MS = 500,
};

/* A list of strings, with NULL behind the last. */
struct strings {
	const char **list;
	size_t count;
};

struct push {
	struct command_work work;
	/* Options: */
	uint64_t every;
	const char *name;
	char *labels; /* "key=value,key=value"; NULL: none */
	struct strings headers, paths;
	struct store_settings settings;
	/* About the trace: */
	const char *path;
	struct store *store;
	uint64_t due;             /* when the next profile is, by the clock */
	unsigned failures;        /* of the last deliveries, one after another */
	uint64_t sent, not_taken; /* in all */
	bool is_late;             /* the last profile of some image was not taken */
	bool is_caught_up;        /* all was read once */
	/* About the image that is read: */
	struct push_image image;
	struct resolver resolver;
	bool is_open;    /* its last profile is still to come */
	uint64_t from;   /* the time from which on the next profile is: milliseconds since 1970 */
	uint64_t events; /* since the clock was looked at */
};

static volatile sig_atomic_t stopped;

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A signal ends it. */
static void pause_ms(uint64_t ms)
{
	struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* ---- delivering ----------------------------------------------------------------- */

/* "program{key=value}". Characters that are Pyroscope's own are not in a program's name. */
static void make_name(const struct push *p, char *name, size_t room)
{
	const char *exe = p->work.trace->image.exe, *slash = exe ? strrchr(exe, '/') : NULL;
	const char *shown = p->name ? p->name : slash ? slash + 1 : exe ? exe : "program";
	size_t used = 0;

	for (; *shown && used + 1 < room; shown++) {
		bool is_plain = isalnum((unsigned char)*shown) || strchr("._-/", *shown);

		name[used++] = p->name || is_plain ? *shown : '_';
	}
	name[used] = '\0';
	if (p->labels)
		snprintf(name + used, room - used, "{%s}", p->labels);
}

/* Says when deliveries begin to fail, and when they go well again. In between, they are only counted. */
static void note_outcome(struct push *p, bool taken, const char *trouble)
{
	if (taken && p->failures)
		cli_error("%s: the store takes profiles again; it did not take %u", p->path, p->failures);
	if (!taken && !p->failures)
		cli_error("%s: %s", p->path, trouble);
	p->failures = taken ? 0 : p->failures + 1;
	p->sent += taken;
	p->not_taken += !taken;
}

/* Between the half of MS and all of it. A fleet that began at once, or lost its store at once, must not come at once.
 */
static uint64_t scatter(uint64_t ms)
{
	uint32_t random;

	if (getentropy(&random, sizeof random) != 0)
		return ms;
	return ms - random % (ms / 2 + 1);
}

/* How long the store wants to be left alone. */
static uint64_t asked_pause(const struct push *p, uint64_t most)
{
	const uint64_t asked = p->failures ? store_asked_pause(p->store) : 0;

	return asked < most ? asked : most;
}

/* How long until the next delivery. */
static uint64_t distance(const struct push *p)
{
	uint64_t ms = p->every, most = ms > BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS, asked;

	if (!p->failures)
		return ms;
	for (unsigned i = 0; i < p->failures && ms < most; i++)
		ms *= 2;
	ms = scatter(ms < most ? ms : most);
	asked = asked_pause(p, ASKED_MAX_MS);
	return ms > asked ? ms : asked + scatter(p->every);
}

/* Delivers a profile of what is known now. What is not taken will be in the next one. 0 or -errno. */
static int deliver(struct push *p)
{
	const uint64_t now = clock_ms(CLOCK_REALTIME);
	char name[NAME_MAX + PIPE_BUF], trouble[STORE_TROUBLE];
	struct push_profile profile;
	struct store_profile delivery;
	bool taken;
	int error = push_image_profile(&p->image, &p->work.trace->image, p->from, now, &profile);

	if (error)
		return error;
	make_name(p, name, sizeof name);
	delivery = (struct store_profile){profile.bytes, profile.len, name, p->from / 1000, (now + 999) / 1000};
	taken = store_send(p->store, &delivery, trouble);
	note_outcome(p, taken, trouble);
	if (taken) {
		push_image_advance(&p->image, &profile);
		p->from = now;
	}
	push_profile_free(&profile);
	p->due = clock_ms(CLOCK_MONOTONIC) + distance(p);
	return 0;
}

static int deliver_if_due(struct push *p)
{
	return clock_ms(CLOCK_MONOTONIC) >= p->due ? deliver(p) : 0;
}

/* ---- reading -------------------------------------------------------------------- */

static void begin_image(struct push *p)
{
	const struct trace_image *image = &p->work.trace->image;

	p->resolver = command_resolver(&p->work);
	p->image.locations = (struct locations){.stacks = &image->stacks, .resolver = &p->resolver};
	p->from = clock_ms(CLOCK_REALTIME);
	p->is_open = true;
}

static void end_image(struct push *p)
{
	locations_free(&p->image.locations);
	push_image_free(&p->image);
	command_next_image(&p->work);
}

/* The next profile is of the whole time that the program ran until now. */
static void begin_with_program(struct push *p)
{
	const uint64_t ran = p->work.trace->image.time;

	p->from -= ran < p->from ? ran : 0;
}

/* Of a program that ran for long before we came, what it allocated then did not happen now. */
static int catch_up(struct push *p)
{
	struct push_profile profile;
	int error;

	p->is_caught_up = true;
	if (p->work.trace->image.time <= p->every) {
		begin_with_program(p);
		return 0;
	}
	error = push_image_profile(&p->image, &p->work.trace->image, p->from, p->from, &profile);
	if (error)
		return error;
	push_image_advance(&p->image, &profile);
	push_profile_free(&profile);
	return 0;
}

/* The image is over, or we are to end: there is no later profile that could have what this one does not. */
static int deliver_last(struct push *p)
{
	int error = 0;

	if (!p->image.consumers.allocated.count && !p->sent && !p->work.trace->image.begun)
		return 0;
	if (!p->is_caught_up)
		begin_with_program(p);
	for (int i = 0; !error && i < LAST_TRIES; i++) {
		/* It is not waited for longer than for an answer. */
		if (i)
			pause_ms(LAST_PAUSE_MS + asked_pause(p, p->settings.timeout));
		error = deliver(p);
		if (!p->failures)
			return error;
	}
	p->is_late = true;
	return error;
}

/* A source's wait(). */
static bool wait_for_more(void *context)
{
	struct push *p = context;
	const struct trace *trace = p->work.trace;

	if (stopped || !writer_is_alive(trace->input.source.fd, trace->input.name, (pid_t)trace->image.pid))
		return false;
	if (!p->is_caught_up && catch_up(p) != 0)
		return false;
	if (deliver_if_due(p) != 0)
		return false;
	pause_ms(LOOK_MS);
	return !stopped;
}

static int take_item(struct push *p, const struct trace_item *item)
{
	const struct trace_image *image = &p->work.trace->image;
	int error = 0;

	if (item->kind == TRACE_CALL)
		error = consumers_apply(&p->image.consumers, image, item);
	if (!error && ++p->events % EVENTS_A_LOOK == 0 && p->is_caught_up)
		error = deliver_if_due(p);
	if (error || item->kind != TRACE_END)
		return error;
	error = deliver_last(p);
	end_image(p);
	p->is_open = false;
	if (image->followed)
		begin_image(p);
	return error;
}

static int follow(void *context)
{
	struct push *p = context;
	struct trace *trace = p->work.trace;
	const struct source_follow how = {.wait = wait_for_more, .context = p};
	struct trace_item item;
	int got = 0, error = source_follow(&trace->input.source, &how);

	/* A signal ends it between two events, so that what was read is sent. */
	p->due = clock_ms(CLOCK_MONOTONIC) + scatter(p->every);
	begin_image(p);
	while (!error && !(stopped && p->is_open) && (got = trace_next(trace, &item)) > 0)
		error = take_item(p, &item);
	if (!error && got >= 0 && p->is_open)
		error = deliver_last(p);
	end_image(p);
	return error ? error : got < 0 ? got : 0;
}

static bool is_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		cli_error("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		cli_error("%s: it is no file, and a pipe can't be left while the store is slow", path);
	else
		return true;
	return false;
}

/* Sends the profiles of one trace, to its end. */
static enum cli_status push_trace(struct push *p, const char *path)
{
	char trouble[STORE_TROUBLE];
	enum cli_status status;

	if (!is_file(path))
		return CLI_TROUBLE;
	p->path = path;
	p->store = store_open(&p->settings, trouble);
	if (!p->store) {
		cli_error("%s", trouble);
		return CLI_TROUBLE;
	}
	status = command_read(&p->work, path, follow, p);
	store_close(p->store);
	if (p->not_taken)
		cli_error("%s: %" PRIu64 " profile%s delivered; %" PRIu64 " deliver%s failed", path, p->sent,
		          p->sent == 1 ? " was" : "s were", p->not_taken, p->not_taken == 1 ? "y" : "ies");
	return status == CLI_OK && p->is_late ? CLI_FINDINGS : status;
}

/* ---- several traces ------------------------------------------------------------- */

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The first signal ends the work, a second one the program. What is ignored stays ignored. */
static void watch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct sigaction once = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND}, before;

	sigemptyset(&once.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &once, NULL);
	/* A store that closes the connection is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
}

static pid_t begin_child(struct push *p, const char *path)
{
	pid_t parent = getpid(), child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(CLI_TROUBLE);
	exit(command_look_up(&p->work) ? command_finish(&p->work, push_trace(p, path)) : CLI_TROUBLE);
}

/* Waits for all. A signal is for all, too. */
static enum cli_status wait_for_all(const pid_t *children, size_t count)
{
	enum cli_status status = CLI_OK;
	bool is_passed_on = false;

	for (size_t i = 0; i < count;) {
		int how = 0;
		bool is_known = children[i] > 0 && waitpid(children[i], &how, 0) > 0;

		if (children[i] > 0 && !is_known && errno == EINTR) {
			for (size_t k = i; stopped && !is_passed_on && k < count; k++)
				kill(children[k], SIGTERM);
			is_passed_on |= stopped;
			continue;
		}
		if (!is_known || !WIFEXITED(how))
			status = CLI_TROUBLE;
		else if (WEXITSTATUS(how) > (int)status)
			status = (enum cli_status)WEXITSTATUS(how);
		i++;
	}
	return status;
}

static enum cli_status push_each(struct push *p)
{
	pid_t *children = calloc(p->paths.count, sizeof *children);
	enum cli_status status;

	if (!children)
		cli_usage_error("%s", strerror(ENOMEM));
	for (size_t i = 0; i < p->paths.count; i++)
		children[i] = begin_child(p, p->paths.list[i]);
	status = wait_for_all(children, p->paths.count);
	free(children);
	return status;
}

/* ---- the command line ------------------------------------------------------------- */

static void add_string(struct strings *strings, const char *text)
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

static void add_label(struct push *p, const char *text)
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
	if (asprintf(&labels, "%s%s%s", p->labels ? p->labels : "", p->labels ? "," : "", text) < 0)
		cli_usage_error("%s", strerror(ENOMEM));
	free(p->labels);
	p->labels = labels;
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
static void add_header(struct push *p, const char *text)
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
		add_string(&p->headers, text);
		return;
	}
	in = open_secret(text + 1);
	while ((line = read_line(in)))
		if (*line)
			add_string(&p->headers, line);
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

static void add_process(struct push *p, const char *text)
{
	char path[PATH_MAX];

	if (!trace_of_find(path, cli_pid(text)))
		exit(CLI_TROUBLE);
	add_string(&p->paths, strdup(path));
	/* The list keeps the copy. The analyzer does not follow it there. */
} // NOLINT(clang-analyzer-unix.Malloc)

static bool take_option(void *context, int option, const char *argument)
{
	static const char *const formats[STORE_KINDS] = {[STORE_PYROSCOPE] = "pyroscope", [STORE_BARE] = "pprof"};
	struct push *p = context;

	switch (option) {
	case 'p':
		add_process(p, argument);
		return true;
	case EVERY:
		p->every = time_of("every", argument, EVERY_MIN_MS);
		return true;
	case NAME:
		p->name = argument;
		return true;
	case LABEL:
		add_label(p, argument);
		return true;
	case FORMAT:
		p->settings.kind = (enum store_kind)cli_choice(argument, "a format", formats, STORE_KINDS);
		return true;
	case HEADER:
		add_header(p, argument);
		return true;
	case TOKEN_FILE:
		p->settings.token = read_token(argument);
		return true;
	case TIMEOUT:
		p->settings.timeout = time_of("timeout", argument, 1);
		return true;
	default:
		return false;
	}
}

/* The rest of the command line: URL, and traces. */
static void take_words(struct push *p, char **words)
{
	if (!*words)
		cli_usage_error("the URL of a store is needed");
	p->settings.url = *words;
	while (*++words)
		add_string(&p->paths, *words);
	if (!p->paths.count)
		cli_usage_error("a TRACE is needed, or -p PID");
	if (p->settings.kind == STORE_BARE && (p->name || p->labels))
		cli_usage_error("--format=pprof has no place for a name and labels: the URL may have one");
	if (p->name && strpbrk(p->name, "{}"))
		cli_usage_error("'%s' is no name: labels are given by --label", p->name);
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-push", help, "p:hV", options, take_option};
	static const char *const no_headers[] = {NULL};
	static struct push p = {.every = EVERY_MS, .settings.timeout = TIMEOUT_MS};
	const char *token = secure_getenv("LOG_MALLOC_PUSH_TOKEN");

	p.settings.token = token && *token ? token : NULL;
	take_words(&p, command_parse(&command, &p.work, &p, argc, argv));
	p.settings.headers = p.headers.list ? p.headers.list : no_headers;
	watch_signals();
	if (p.paths.count > 1)
		return cli_finish(push_each(&p));
	if (!command_look_up(&p.work))
		return CLI_TROUBLE;
	return command_finish(&p.work, push_trace(&p, p.paths.list[0]));
}
