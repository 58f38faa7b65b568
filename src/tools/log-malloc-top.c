/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-top: shows live which backtraces hold how much memory. The trace's source calls us while it reads and
 * when it waits for more (source_follow()): then keys are read and the view is drawn. So nothing needs a lock.
 */
#include "array.h"
#include "clock.h"
#include "command.h"
#include "consumers.h"
#include "escape.h"
#include "interrupt.h"
#include "labels.h"
#include "top_screen.h"
#include "top_state.h"
#include "top_target.h"
#include "trace_of.h"
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: log-malloc-top [OPTION]... TRACE\n"
	"       log-malloc-top [OPTION]... -p PID\n"
	"       log-malloc-top [OPTION]... -- COMMAND [ARGUMENT]...\n"
	"Shows live which backtraces of a traced program hold how much memory, how fast they\n"
	"allocate, and what grew since a mark. Follows the trace of a program that runs: the\n"
	"file TRACE, that of the process PID, or that of a COMMAND, which it starts. The key h\n"
	"shows all keys, q quits.\n"
	"\n"
	"  -p, --pid PID         the running process PID, which has to be traced\n"
	"  -o, --output FILE     COMMAND's trace; default: in a new directory, which is told\n"
	"  -s, --sort WHAT       live, blocks, growth, rate or allocated; default: live\n"
	"  -i, --interval TIME   between two views: 500ms, 2s; default: 1s\n"
	"  -f, --full-names      whole names, with arguments of functions and templates\n" CLI_SYMBOL_HELP
		COMMAND_LAST_HELP "Exit status: 0 the user quit, 2 usage or trouble, 130 the user quit by Ctrl-C.\n";

static const struct option options[] = {
	{"pid", required_argument, NULL, 'p'},
	{"output", required_argument, NULL, 'o'},
	{"sort", required_argument, NULL, 's'},
	{"interval", required_argument, NULL, 'i'},
	{"full-names", no_argument, NULL, 'f'},
	CLI_SYMBOL_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

enum {
	INTERVAL_MS = 1000,
	INTERVAL_MIN_MS = 100,
	/* While a long trace is read, the view is drawn so often. */
	READING_MS = 200,
	/* A key is waited for so long at most, so that a signal is noticed. */
	KEY_MS = 250,
};

struct top {
	struct command_work work;
	const char *output; /* -o */
	uint64_t interval;  /* milliseconds */
	struct top_target target;
	struct top_screen screen;
	struct top_state state;
	volatile sig_atomic_t stop; /* the user quit */
	bool is_begun;              /* the image that is read has its INIT */
	bool is_caught_up;          /* all was read once, so time goes on as the clock does */
	bool is_over;               /* nobody writes any more */
	uint64_t offset;            /* the clock's time minus the program's */
	uint64_t viewed;            /* the program's time at the last view of the image before */
	uint64_t began;             /* the program's time at the beginning of the file, or of the image */
	uint64_t due;               /* when the next view is to be drawn, by the clock */
	uint64_t marked;            /* when the mark was set, by the clock */
	char message[256];          /* the last message of the reader */
	/* About the image that is read: */
	struct consumers consumers;
	struct resolver resolver;
	struct locations locations;
	struct labels labels;
	struct pool pool;
	const char **names; /* by consumer; NULL: not looked up yet */
	size_t names_count;
	const char **lines; /* of the backtrace that is looked into */
	size_t lines_room;
	char *program;
};

/* ---- names ---------------------------------------------------------------- */

/* Is it a function that allocates for whoever called it? */
static bool is_helper(const char *label)
{
	static const char *const beginnings[] = {"operator new", "std::", "__gnu_cxx::", "void std::"};

	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (strncmp(label, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

/* The labels of the consumer's backtrace are in t->labels. False without memory. */
static bool look_up(struct top *t, uint32_t consumer)
{
	uint32_t stack = t->consumers.list[consumer].stack;

	return labels_set_path(&t->labels, stack) == 0;
}

/* The length of a label without file and line: of callers, the name does. */
static size_t name_length(const char *label)
{
	static const char begin[] = " (";
	const char *found = NULL;

	for (const char *at = label; (at = strstr(at, begin)); at++)
		found = at;
	return found && strchr(found, ':') && label[strlen(label) - 1] == ')' ? (size_t)(found - label) : strlen(label);
}

static const char *make_name(struct top *t, uint32_t consumer)
{
	char *text = NULL;
	const char *kept;
	size_t len, first = 0;
	FILE *out;

	if (!look_up(t, consumer))
		return NULL;
	while (first + 1 < t->labels.depth && is_helper(t->labels.path[first]))
		first++;
	/* Helpers alone are better than the program's start. */
	if (first + 1 == t->labels.depth)
		first = 0;
	out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	fputs(t->labels.path[first], out);
	for (size_t i = first + 1; i < t->labels.depth; i++)
		fprintf(out, " < %.*s", (int)name_length(t->labels.path[i]), t->labels.path[i]);
	kept = fclose(out) == 0 ? pool_copy(&t->pool, text, len) : NULL;
	free(text);
	return kept;
}

static bool make_name_room(struct top *t)
{
	size_t count = t->consumers.count;
	const char **grown;

	if (t->names_count >= count)
		return true;
	grown = reallocarray(t->names, count, sizeof(const char *));
	if (!grown)
		return false;
	memset(grown + t->names_count, 0, (count - t->names_count) * sizeof(const char *));
	t->names = grown;
	t->names_count = count;
	return true;
}

static const char *name_of(void *context, uint32_t consumer)
{
	struct top *t = context;

	if (!make_name_room(t))
		return NULL;
	if (!t->names[consumer])
		t->names[consumer] = make_name(t, consumer);
	return t->names[consumer];
}

static const char *const *backtrace_of(void *context, uint32_t consumer)
{
	struct top *t = context;
	const char **lines;

	if (!look_up(t, consumer))
		return NULL;
	lines = array_grow(t->lines, &t->lines_room, t->labels.depth + 1, sizeof *lines);
	if (!lines)
		return NULL;
	t->lines = lines;
	for (size_t i = 0; i < t->labels.depth; i++)
		lines[i] = t->labels.path[i];
	lines[t->labels.depth] = NULL;
	return lines;
}

/* ---- the view ------------------------------------------------------------- */

static const char *status_of(const struct top *t, char text[64])
{
	const struct source *source = &t->work.trace->input.source;

	if (!t->is_caught_up && !t->is_over) {
		snprintf(text, 64, "reading %.0f %%",
		         source->size ? 100.0 * (double)source->used / (double)source->size : 0.0);
		return text;
	}
	if (!t->is_over)
		return "running";
	if (t->work.trace->image.is_detached)
		return "detached";
	if (t->work.trace->image.ending == TRACE_CONTINUED)
		return "goes on in a newer file";
	return t->work.trace->image.finished ? "ended" : "ended early, as if killed";
}

/* The program's milliseconds. What runs grows older also where nothing happens. */
static uint64_t time_of(const struct top *t)
{
	const uint64_t recorded = t->began + t->work.trace->image.time, now = clock_ms() - t->offset;

	return t->is_caught_up && !t->is_over && now > recorded ? now : recorded;
}

static void set_program(struct top *t)
{
	const char *exe = t->work.trace->image.exe;

	if (!t->program && exe)
		t->program = escape_printable(exe, strlen(exe));
}

static const char *lack_of(const struct trace_image *image)
{
	if (image->is_attached)
		return "; older blocks are not counted";
	return image->is_partial ? "; not all calls are seen" : "";
}

static void draw(struct top *t)
{
	const struct trace_image *image = &t->work.trace->image;
	char status[64];

	set_program(t);
	top_state_sort(&t->state, t->screen.sort);
	top_screen_draw(&t->screen, &(struct top_picture){
					    .state = &t->state,
					    .program = t->program ? t->program : "",
					    .pid = image->has_pid ? image->pid : 0,
					    .status = status_of(t, status),
					    .lack = lack_of(image),
					    .time = time_of(t),
					    .events = image->events,
					    .mark_age = clock_ms() - t->marked,
					    .message = t->message,
					    .name = name_of,
					    .backtrace = backtrace_of,
					    .context = t,
				    });
}

static void say_error(struct top *t, int error)
{
	if (error)
		snprintf(t->message, sizeof t->message, "%s", strerror(-error));
}

static int sample(struct top *t)
{
	return top_state_sample(&t->state, &t->consumers, &t->work.trace->image.stacks, time_of(t));
}

/* Takes a new sample, unless the view is frozen, and draws it. */
static void renew(struct top *t)
{
	if (!t->screen.is_frozen)
		say_error(t, sample(t));
	t->due = clock_ms() + t->interval;
	draw(t);
}

static void mark(struct top *t)
{
	say_error(t, top_state_mark(&t->state));
	t->marked = clock_ms();
	draw(t);
}

/* Waits for a key for MS milliseconds at most, and does what it says. */
static void take_key(struct top *t, int ms)
{
	switch (top_screen_key(&t->screen, &t->state, ms)) {
	case TOP_QUIT:
		t->stop = 1;
		break;
	case TOP_MARK:
		mark(t);
		break;
	case TOP_REDRAW:
		draw(t);
		break;
	case TOP_NOTHING:
		break;
	}
	if (interrupt_came())
		t->stop = 1;
}

/* Takes keys until it is time for the next view. */
static void take_keys(struct top *t)
{
	uint64_t now;

	while (!t->stop && (now = clock_ms()) < t->due)
		take_key(t, t->due - now < KEY_MS ? (int)(t->due - now) : KEY_MS);
}

/* ---- reading -------------------------------------------------------------- */

static struct top *shown; /* the progress of reading has no context */

/*
 * An input's progress: it is called for each quarter of a megabyte, before that is parsed. When all was read once, the
 * view is drawn by wait_for_more(), unless there is too much to read.
 */
static void show_progress(uint64_t done, uint64_t size)
{
	struct top *t = shown;

	(void)done, (void)size;
	take_key(t, 0);
	if (t->is_caught_up ? clock_ms() >= t->due + READING_MS : clock_ms() + t->interval >= t->due + READING_MS)
		renew(t);
}

/* Rates are measured anew: until now, from the beginning on. */
static void catch_up(struct top *t)
{
	top_state_restart(&t->state, t->began);
	t->offset = clock_ms() - time_of(t);
	t->is_caught_up = true;
	renew(t);
}

static bool is_written(struct top *t)
{
	const struct trace *trace = t->work.trace;

	if (*t->target.output)
		return top_target_runs(&t->target);
	return writer_is_alive(trace->input.source.fd, trace->input.name, (pid_t)trace->image.pid);
}

/* A source's wait(). While the view is frozen, nothing is read: what is shown may be in a file that is over by then. */
static bool wait_for_more(void *context)
{
	struct top *t = context;

	if (!is_written(t))
		return false;
	if (!t->is_caught_up)
		catch_up(t);
	else if (clock_ms() >= t->due)
		renew(t);
	take_keys(t);
	while (!t->stop && t->screen.is_frozen) {
		renew(t);
		take_keys(t);
	}
	return !t->stop;
}

static void forget_image(struct top *t)
{
	labels_free(&t->labels);
	locations_free(&t->locations);
	consumers_free(&t->consumers);
	pool_free(&t->pool);
	free(t->names);
	free(t->program);
	free(t->lines);
	t->names = t->lines = NULL;
	t->lines_room = 0;
	t->names_count = 0;
	t->program = NULL;
	command_next_image(&t->work);
}

static void begin_image(struct top *t)
{
	t->resolver = command_resolver(&t->work);
	t->locations = (struct locations){.stacks = &t->work.trace->image.stacks, .resolver = &t->resolver};
	t->labels = (struct labels){.locations = &t->locations,
	                            .make = t->work.full_names ? labels_line : labels_short_line};
}

/*
 * The program's time when the image began that is about to be read. It is of the file that the trace goes on in, or of
 * the program that its process has executed.
 */
static uint64_t time_of_beginning(const struct top *t)
{
	const struct trace_image *image = &t->work.trace->image;
	const uint64_t now = time_of(t), since = now - t->viewed;
	struct timespec clock;
	uint64_t ms, age = 0;

	clock_gettime(CLOCK_REALTIME, &clock);
	ms = (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000;
	if (image->has_clock && ms > image->clock)
		age = ms - image->clock;
	/* It was not there at the last view. Whatever is set meanwhile, the clock of these does not go back. */
	return now - (age < since ? age : since);
}

/* The image is over, and another one follows. If that is of the next file of the same program, the mark stays. */
static int leave_image(struct top *t)
{
	const struct trace_image *image = &t->work.trace->image;
	int error = 0;

	t->viewed = t->state.before.time;
	if (image->ending == TRACE_CONTINUED)
		error = top_state_leave_file(&t->state, &t->consumers, &image->stacks);
	else
		top_state_free(&t->state);
	if (!t->is_caught_up)
		t->began += image->time;
	top_state_begin_file(&t->state, time_of(t));
	top_screen_forget(&t->screen);
	forget_image(t);
	begin_image(t);
	t->is_begun = false;
	return error;
}

/* The last image stays: it is what is shown. */
static int take_item(struct top *t, const struct trace_item *item)
{
	if (item->kind == TRACE_CALL)
		return consumers_apply(&t->consumers, &t->work.trace->image, item);
	if (item->kind == TRACE_END && t->work.trace->image.followed)
		return leave_image(t);
	if (item->kind == TRACE_INIT && !t->is_begun) {
		t->is_begun = true;
		if (t->is_caught_up)
			t->began = time_of_beginning(t);
		if (t->work.trace->image.number > 1)
			top_state_begin_file(&t->state, t->began);
	}
	return 0;
}

/* Everything was read, and there will be nothing more. */
static int show_end(struct top *t)
{
	int error;

	t->is_over = true;
	top_state_restart(&t->state, t->began);
	error = sample(t);
	while (!error && !t->stop) {
		t->due = clock_ms() + t->interval;
		draw(t);
		take_keys(t);
	}
	return error;
}

static int follow(struct top *t)
{
	struct trace *trace = t->work.trace;
	const struct source_follow how = {.wait = wait_for_more, .context = t};
	struct trace_item item;
	int got = 0, error = source_follow(&trace->input.source, &how);

	trace->input.source.stop = &t->stop;
	trace->input.progress = (struct input_progress){.show = show_progress};
	begin_image(t);
	while (!error && !t->stop && (got = trace_next(trace, &item)) > 0)
		error = take_item(t, &item);
	if (!error && !t->stop)
		error = got < 0 ? got : show_end(t);
	return error;
}

static int read_trace(void *context)
{
	struct top *t = context;
	int error;

	if (!top_screen_open(&t->screen))
		exit(CLI_TROUBLE);
	shown = t;
	error = follow(t);
	top_screen_close();
	forget_image(t);
	top_state_free(&t->state);
	return error;
}

/* A diag's callback: messages would spoil the view. */
static void keep_message(void *context, const char *file, uint64_t line, const char *message)
{
	struct top *t = context;
	char *printable;

	if (!shown) {
		cli_complain(NULL, file, line, message);
		return;
	}
	printable = escape_printable(message, strlen(message));
	snprintf(t->message, sizeof t->message, "%s", printable ? printable : message);
	free(printable);
}

/* ---- the command line ----------------------------------------------------- */

static bool take_option(void *context, int option, const char *argument)
{
	static const char *const sorts[TOP_SORTS] = {"live", "blocks", "growth", "rate", "allocated"};
	struct top *t = context;

	switch (option) {
	case 'o':
		t->output = argument;
		return true;
	case 's':
		t->screen.sort = (enum top_sort)cli_choice(argument, "an order", sorts, TOP_SORTS);
		return true;
	case 'i':
		t->interval = cli_milliseconds(argument);
		if (t->interval < INTERVAL_MIN_MS)
			cli_usage_error("--interval: less than 100ms is not for eyes");
		return true;
	default:
		return false;
	}
}

/* Finds out what is to be followed. False after a message. */
static bool choose(struct top *t, char **words, bool is_command)
{
	if (is_command) {
		if (t->work.has_pid)
			cli_usage_error("--pid follows a process, and a COMMAND would be another one");
		return top_target_start(&t->target, words, t->output);
	}
	if (t->output)
		cli_usage_error("--output is the trace of a COMMAND, which stands behind --");
	if (t->work.has_pid && !*words)
		return trace_of_find(t->target.trace, t->work.pid);
	if (t->work.has_pid || !*words || words[1])
		cli_usage_error("a TRACE is needed, or -p PID, or a COMMAND behind --");
	if (strcmp(*words, "-") == 0)
		cli_usage_error("standard input has the keys: TRACE has to be a file");
	snprintf(t->target.trace, sizeof t->target.trace, "%s", *words);
	return true;
}

static enum cli_status run(struct top *t, char **words, bool is_command)
{
	enum cli_status status = CLI_TROUBLE;

	if (!top_screen_fits())
		return CLI_TROUBLE;
	if (!choose(t, words, is_command))
		return CLI_TROUBLE;
	if (command_look_up(&t->work))
		status = command_read(&t->work, t->target.trace, read_trace, t);
	top_target_end(&t->target);
	return t->stop ? CLI_OK : status;
}

int main(int argc, char **argv)
{
	/* The first word that is no option is not permuted, so that a command's options are its own. */
	static const struct command command = {"log-malloc-top", help, "+p:o:s:i:fhV", options, take_option};
	static struct top t = {.interval = INTERVAL_MS};
	char **words = command_parse(&command, &t.work, &t, argc, argv);
	bool is_command = *words && words > argv + 1 && strcmp(words[-1], "--") == 0;

	t.work.diag = (struct diag){keep_message, &t};
	return command_finish(&t.work, run(&t, words, is_command));
}
