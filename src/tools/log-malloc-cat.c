/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc-cat: writes any trace as text, all of it or the events that were asked for. */
#include "choice.h"
#include "command.h"
#include "cursor.h"
#include "ending_text.h"
#include "export_trace.h"
#include "threads.h"
#include "totals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"Usage: log-malloc-cat [OPTION]... [TRACE]\n"
	"Writes a trace of any format as text, with the bytes in use after each event.\n"
	"TRACE is a file, or - for standard input, which is the default.\n"
	"\n"
	"      --full            each event with its backtrace (the default)\n"
	"      --compact         each backtrace once, in front of the first event with it\n"
	"\n"
	"      --boot N          only the trace's program, or start of a chip, number N; 1 is the first\n"
	"      --ram FILE        the traces in a dump of a chip's memory, instead of TRACE\n"
	"\n"
	"Only the events that meet all of these conditions:\n"
	"      --from MS         at least MS milliseconds after the program's beginning\n"
	"      --to MS           at most MS milliseconds after it\n" COMMAND_WINDOW_HELP
	"      --address ADDR    of blocks that contain the address: 0x and hexadecimal\n"
	"                        digits, or decimal ones\n"
	"      --thread THREAD   of the thread with that name, or that number in the trace or\n"
	"                        in the kernel\n"
	"      --call NAME,...   calls of these functions: malloc, free, ...\n"
	"      --grep FUNCTION   a function in the backtrace matches: * is anything, ^ the\n"
	"                        beginning and $ the end of its name\n"
	"  -n, --no-translate    for --grep: functions as the trace names them; files are\n"
	"                        not looked into\n" CLI_SYMBOL_HELP COMMAND_LAST_HELP
	"Exit status: 0 fine, 2 usage or trouble.\n";

enum option_value { FULL = CLI_NEXT_OPTION, COMPACT, FROM, TO, ADDRESS, THREAD, CALL, GREP, BOOT, RAM };

static const struct option options[] = {
	{"full", no_argument, NULL, FULL},
	{"compact", no_argument, NULL, COMPACT},
	{"boot", required_argument, NULL, BOOT},
	{"ram", required_argument, NULL, RAM},
	{"from", required_argument, NULL, FROM},
	{"to", required_argument, NULL, TO},
	COMMAND_WINDOW_OPTIONS,
	{"address", required_argument, NULL, ADDRESS},
	{"thread", required_argument, NULL, THREAD},
	{"call", required_argument, NULL, CALL},
	{"grep", required_argument, NULL, GREP},
	{"no-translate", no_argument, NULL, 'n'},
	CLI_SYMBOL_OPTIONS,
	COMMAND_LAST_OPTIONS,
};

struct cat {
	struct command_work work;
	struct choice choice;
	struct text_out out;
	struct export_trace export;
	uint64_t boot;        /* the number of the only image that is wanted; 0: all of them */
	const char *ram;      /* the path of a memory dump; NULL if the trace is read from a trace */
	unsigned starts;      /* of a chip, so far */
	unsigned images;      /* so far */
	char cut[ENDING_MAX]; /* how the last image ended that ends early, for people; or "" */
	/* Of the present image: */
	struct totals totals;
};

/* ---- the trace ------------------------------------------------------------ */

static bool has_times(const struct cat *c)
{
	return c->work.trace->image.has_time || !(c->choice.has_from || c->choice.has_to);
}

/* To be called behind an image, and when reading ends in the middle of one. */
static void forget_image(struct cat *c)
{
	export_trace_free(&c->export);
	totals_free(&c->totals);
	choice_next_image(&c->choice);
	command_next_image(&c->work);
}

static void end_image(struct cat *c)
{
	const struct trace_image *image = &c->work.trace->image;
	char words[ENDING_MAX];

	if (command_wants_image(&c->work) && !has_times(c))
		cli_error("%s: the trace has no times: all of it is taken for one moment", c->work.trace->input.name);
	if (trace_lacks_end(image))
		snprintf(c->cut, sizeof c->cut, "%s", ending_text(words, image, false));
	c->starts += image->is_embedded;
	c->images = image->number;
	forget_image(c);
}

/* Is an information line wanted? It is if a reader needs it, or the program wrote it or a mark at such a moment. */
static bool wants_info(const struct cat *c)
{
	const struct trace *trace = c->work.trace;

	return (trace->record.info != INFO_OTHER && trace->record.info != INFO_MARK) ||
	       choice_takes_moment(&c->choice, &trace->image);
}

/*
 * What was seen when somebody looked into the process is about blocks that were live then. A part of a trace that lacks
 * later releases does not know which blocks these are.
 */
static bool wants_look(const struct cat *c)
{
	return choice_takes_moment(&c->choice, &c->work.trace->image) && !choice_is_of_calls(&c->choice);
}

/* Is ITEM to be written? 0 or -ENOMEM. */
static int choose(struct cat *c, const struct trace_item *item, bool *wanted)
{
	struct resolver resolver;

	*wanted = true;
	if (item->kind == TRACE_INFO || item->kind == TRACE_MARK) {
		*wanted = wants_info(c);
		return 0;
	}
	if (item->kind == TRACE_REACHED) {
		*wanted = wants_look(c);
		return 0;
	}
	if (!c->export.is_part || (item->kind != TRACE_CALL && item->kind != TRACE_CALLING))
		return 0;
	resolver = command_resolver(&c->work);
	return choice_takes(&c->choice, &resolver, c->work.trace, item, wanted);
}

static bool is_chosen_image(struct cat *c, const struct trace_item *item)
{
	const struct trace *trace = c->work.trace;

	if (!c->boot || c->boot == trace->image.number)
		return true;
	/* Each image says its format. What an earlier one says does not matter. */
	c->export.says_format |= item->kind == TRACE_INFO && trace->record.info == INFO_FORMAT;
	return false;
}

static int take_item(struct cat *c, struct trace_item *item)
{
	bool wanted;
	int error = totals_apply(&c->totals, item);

	window_note(&c->work.window, c->work.trace, item);
	/* What is about to be called has changed nothing. */
	if (item->kind == TRACE_CALLING && c->work.trace->section == SECTION_PACKED) {
		item->event.used = c->totals.used;
		item->event.usable = c->totals.usable;
	}
	if (!error)
		error = choose(c, item, &wanted);
	if (!error && wanted && is_chosen_image(c, item))
		error = export_trace(&c->export, c->work.trace, item);
	/* Who watches a program that runs wants to see each event. */
	if (c->out.is_shown)
		text_out_flush(&c->out);
	if (item->kind == TRACE_END)
		end_image(c);
	return error;
}

/* 0 or -errno. Ends early if the output can't be written. */
static int take_items(struct cat *c)
{
	struct trace_item item;
	int got, error = 0;

	while (!error && !c->out.error && (got = trace_next(c->work.trace, &item)) != 0)
		error = got < 0 ? got : take_item(c, &item);
	return error;
}

/* Which of several starts of a chip the user wants is not known. */
static void tell_starts(const struct cat *c)
{
	const char *name = c->work.trace->input.name;

	if (c->boot > c->images)
		cli_error("%s: there is no number %" PRIu64 ": the last one is %u", name, c->boot, c->images);
	else if (!c->boot && c->starts > 1 && c->ram)
		cli_error("%s: %u traces, tables of what is live first: --boot N writes number N alone", name,
		          c->starts);
	else if (!c->boot && c->starts > 1)
		cli_error("%s: %u traces, one for each start of the chip: --boot %u writes the last one alone", name,
		          c->starts, c->images);
}

static int read_trace(void *context)
{
	struct cat *c = context;
	struct trace *trace = c->work.trace;
	int error;

	trace->with_lines = true;
	/* On a terminal, the progress line would mix with the lines; the lines show progress as well. */
	if (isatty(STDOUT_FILENO))
		trace->input.progress = (struct input_progress){.show = NULL};
	error = take_items(c);
	forget_image(c);
	text_out_flush(&c->out);
	if (c->out.error)
		return 0;
	if (!error)
		tell_starts(c);
	if (!error && trace->records && (*c->cut || trace->ends_early))
		cli_error("%s: %s", trace->input.name, *c->cut ? c->cut : "the trace ends early");
	return error;
}

/* Who reads the output may have seen enough. That is no trouble. */
static enum cli_status written(const struct cat *c, enum cli_status status)
{
	if (!c->out.error)
		return status;
	if (c->out.error == -EPIPE)
		return CLI_OK;
	cli_error("cannot write standard output: %s", strerror(-c->out.error));
	return CLI_TROUBLE;
}

static enum cli_status read_from(struct cat *c, const char *path)
{
	if (!c->ram)
		return command_read(&c->work, path, read_trace, c);
	return command_read_opened(&c->work, cli_open_dump(c->ram, &c->work.diag), c->ram, read_trace, c);
}

static int run(struct cat *c, const char *path)
{
	enum cli_status status = CLI_TROUBLE;

	c->export.out = &c->out;
	c->choice.window = &c->work.window;
	c->export.is_part = choice_is_made(&c->choice);
	if (text_out_open(&c->out, STDOUT_FILENO) != 0)
		cli_error("%s", strerror(ENOMEM));
	else if (command_look_up(&c->work))
		status = written(c, read_from(c, path));
	if (status == CLI_OK && c->boot > c->images)
		status = CLI_TROUBLE;
	text_out_close(&c->out);
	choice_free(&c->choice);
	return command_finish(&c->work, status);
}

/* ---- the command line ----------------------------------------------------- */

static uint64_t address(const char *text)
{
	struct cursor c = cursor_start(text, strlen(text));
	uint64_t value;

	if (!(cursor_address(&c, &value) || cursor_number(&c, &value)) || !cursor_at_end(&c))
		cli_usage_error("'%s' is not an address: 0x and hexadecimal digits, or decimal ones", text);
	return value;
}

static bool take_option(void *context, int option, const char *argument)
{
	struct cat *c = context;

	switch (option) {
	case FULL:
		c->export.format = LM_FORMAT_FULL;
		return true;
	case COMPACT:
		c->export.format = LM_FORMAT_COMPACT;
		return true;
	case BOOT:
		c->boot = cli_number(argument);
		if (!c->boot)
			cli_usage_error("--boot: the first one is number 1");
		return true;
	case RAM:
		c->ram = argument;
		return true;
	case FROM:
		c->choice.has_from = true;
		c->choice.from = cli_number(argument);
		return true;
	case TO:
		c->choice.has_to = true;
		c->choice.to = cli_number(argument);
		return true;
	case ADDRESS:
		c->choice.has_address = true;
		c->choice.address = address(argument);
		return true;
	case CALL:
		choice_add_calls(&c->choice, argument);
		return true;
	case THREAD:
		choice_add_name(&c->choice.threads, argument);
		return true;
	case GREP:
		choice_add_name(&c->choice.patterns, argument);
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static const struct command command = {"log-malloc-cat", help, "nhV", options, take_option};
	struct cat c = {.export = {.format = LM_FORMAT_FULL}};
	char **paths = command_parse(&command, &c.work, &c, argc, argv);

	if (paths[0] && paths[1])
		cli_usage_error("one TRACE only");
	if (paths[0] && c.ram)
		cli_usage_error("--ram: no TRACE beside it");
	if (!paths[0] && !c.ram && isatty(STDIN_FILENO))
		cli_usage_error("a TRACE is needed");
	if (c.choice.has_from && c.choice.has_to && c.choice.from > c.choice.to)
		cli_usage_error("--from is later than --to");
	return run(&c, paths[0] ? paths[0] : "-");
}
