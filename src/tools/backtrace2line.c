/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backtrace2line: translates the frames of backtraces into functions, files and lines. */
#include "array.h"
#include "backtrace_filter.h"
#include "cli.h"
#include "input.h"
#include "parse_packed.h"
#include "search.h"
#include "table.h"
#include "trace.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"Usage: backtrace2line [OPTION]... [SYMBOL... | FILE | -]\n"
	"Prints function, file and line of each frame of a backtrace. A SYMBOL is\n"
	"OBJECT(SYMBOL+0xOFFSET)[0xADDRESS], OBJECT(+0xOFFSET), [0xADDRESS] or 0xADDRESS; a FILE\n"
	"has one on each line. Reads standard input if nothing or - is given.\n"
	"With --filter, whatever FILE or standard input contains is printed, with the frames\n"
	"in it translated.\n"
	"\n"
	"  -F, --filter         print everything as it comes, frames translated\n"
	"  -p, --pid PID        addresses are those of the running process PID\n"
	"  -m, --maps MAPS      a copy of the process's /proc/PID/maps\n"
	"  -w, --work-dir DIR   where relative paths of objects begin\n"
	"  -f, --full-filename  whole paths and whole names\n" CLI_SYMBOL_HELP "  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"Exit status: 0 fine, 2 usage or trouble.\n";

static const struct option options[] = {
	{"filter", no_argument, NULL, 'F'},
	{"pid", required_argument, NULL, 'p'},
	{"maps", required_argument, NULL, 'm'},
	{"work-dir", required_argument, NULL, 'w'},
	{"full-filename", no_argument, NULL, 'f'},
	CLI_SYMBOL_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/*
 * A trace has its memory map behind its frames. So frames are kept until the
 * map was read, and then printed. Frames behind a map belong to the next one.
 */
struct backtrace2line {
	const char *work_dir;
	bool full;
	bool filter;
	struct search_options search;
	bool given_maps;  /* by an option: maps in the input are ignored */
	struct maps maps; /* of the kept frames */
	bool maps_ended;  /* the input's memory map was complete */
	struct symbols *symbols;
	char *beside; /* the directory of the input; NULL if it has none */
	struct diag diag;
	struct pool pool;
	struct waiting {
		const char *text;
		size_t len;
	} * waiting;
	size_t count, room;
	uint64_t frames;
	uint64_t others;   /* lines that are no frames */
	bool without_maps; /* an address could not be looked up because there is no map */
	bool is_packed;    /* the input is a packed trace */
};

static int add_frame(struct backtrace2line *b, const char *text, size_t len)
{
	struct waiting *waiting = array_grow(b->waiting, &b->room, b->count + 1, sizeof *waiting);

	if (!waiting)
		return -ENOMEM;
	b->waiting = waiting;
	waiting[b->count] = (struct waiting){pool_copy(&b->pool, text, len), len};
	if (!waiting[b->count].text)
		return -ENOMEM;
	b->count++;
	return 0;
}

static int add_row(struct backtrace2line *b, struct table *table, const struct waiting *waiting)
{
	struct resolver resolver = {.symbols = b->symbols, .maps = &b->maps, .dir = b->work_dir, .beside = b->beside};
	struct resolved resolved;
	struct frame frame;
	int error = frame_parse(waiting->text, waiting->len, &frame);

	if (!error)
		error = resolve_frame(&resolver, &frame, &resolved);
	if (error)
		return error;
	b->without_maps |= !frame.object && frame.address && !b->maps.count && !resolved.module[0];
	return table_add(table, &resolved.places, NULL, resolved.guessed, waiting->text, waiting->len);
}

/* Prints the kept frames, looked up with the maps known now. */
static int print_waiting(struct backtrace2line *b)
{
	struct table table = {.full = b->full, .dir = b->work_dir};
	int error = 0;

	if (!b->count)
		return 0;
	for (size_t i = 0; !error && i < b->count; i++)
		error = add_row(b, &table, &b->waiting[i]);
	if (!error) {
		if (b->frames)
			putchar('\n');
		table_print(&table, stdout, 0);
	}
	table_clear(&table);
	b->frames += b->count;
	b->count = 0;
	pool_free(&b->pool);
	return error;
}

/* Maps of the input were those of the frames that were printed; maps of the user stay. */
static int next_group(struct backtrace2line *b)
{
	int error = print_waiting(b);

	b->maps_ended = false;
	if (!b->given_maps)
		maps_free(&b->maps);
	return error;
}

/* Between frames there may be events, information lines, and the headings of glibc's own reports. */
static bool is_heading(const struct line *line)
{
	static const char *const headings[] = {"+ ", "#", "***", "===", "Backtrace:", "Memory map:"};

	for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
		if (line->len >= strlen(headings[i]) && memcmp(line->text, headings[i], strlen(headings[i])) == 0)
			return true;
	return line->len == 0;
}

/* 1 if the line is part of a memory map, 0 if not, -errno. */
static int take_map(struct backtrace2line *b, const struct line *line)
{
	struct maps unused = {0};
	struct maps *maps = b->given_maps ? &unused : &b->maps;
	struct record record;
	int error = maps_add_line(maps, line->text, line->len);

	if (!error)
		b->maps_ended = !b->given_maps;
	else if (error == -EINVAL && parse_record(line->text, line->len, &record) == 0 && record.kind == RECORD_INFO &&
	         record.info == INFO_MODULE)
		error = maps_add_module(maps, &record.module);
	maps_free(&unused);
	return error == -EINVAL ? 0 : error ? error : 1;
}

static int take_line(struct backtrace2line *b, const char *name, const struct line *line)
{
	struct frame frame;
	int taken = take_map(b, line);

	if (taken || is_heading(line))
		return taken < 0 ? taken : 0;
	if (frame_parse(line->text, line->len, &frame) != 0) {
		if (++b->others <= TRACE_REPORTS_MAX)
			diag_report(&b->diag, name, line->number, "this is not a frame");
		return 0;
	}
	if (b->maps_ended) {
		int error = next_group(b);

		if (error)
			return error;
	}
	return add_frame(b, line->text, line->len);
}

/* Passes the packed records of a trace, which have no frames. 0 or -errno. */
static int pass_words(struct input *in)
{
	char first;
	int got;

	while ((got = input_peek(in, &first)) > 0 && (unsigned char)first >= LM_PACKED_FREE) {
		size_t len, size;
		const char *text = input_look(in, PARSE_PACKED_MAX, &len);
		enum packed_find found = packed_look(text, len, &size);

		if (found != PACKED_WHOLE && found != PACKED_REST)
			return 0;
		input_set_phase(in, text);
		input_begin_words(in);
		input_pass(in, size, 1);
	}
	return got < 0 ? got : 0;
}

/* Reads the next line, of a packed trace without the blanks that it is filled up with. 1, 0 at the end, or -errno. */
static int next_line(struct backtrace2line *b, struct input *in, struct line *line)
{
	static const char packed[] = "# " LM_TRACE_FORMAT " packed";
	int error = b->is_packed ? pass_words(in) : 0, got = error ? error : input_next(in, line);

	if (got <= 0)
		return got;
	while (b->is_packed && line->len && line->text[line->len - 1] == ' ')
		line->len--;
	b->is_packed |= line->len == sizeof packed - 1 && memcmp(line->text, packed, line->len) == 0;
	return 1;
}

static int read_file(struct backtrace2line *b, const char *path)
{
	struct input in;
	struct line line;
	int got, error = input_open(&in, path, &b->diag);

	if (error) {
		cli_error("%s: %s", path, strerror(-error));
		return error;
	}
	b->beside = cli_directory(path);
	while (!error && (got = next_line(b, &in, &line)) > 0)
		error = take_line(b, in.name, &line);
	if (!error)
		error = got;
	if (b->others > TRACE_REPORTS_MAX)
		cli_error("%s: %" PRIu64 " more %s", in.name, b->others - TRACE_REPORTS_MAX,
		          b->others - TRACE_REPORTS_MAX == 1 ? "line is not a frame" : "lines are not frames");
	if (error)
		cli_error("%s: %s", in.name, strerror(-error));
	else if (!b->frames && !b->count)
		cli_error("%s: there is no frame in it", in.name);
	input_close(&in);
	return error;
}

static int read_arguments(struct backtrace2line *b, char **arguments, int count)
{
	for (int i = 0; i < count; i++) {
		struct frame frame;
		int error;

		if (frame_parse(arguments[i], strlen(arguments[i]), &frame) != 0) {
			cli_error("'%s' is neither a frame nor the only FILE", arguments[i]);
			continue;
		}
		error = add_frame(b, arguments[i], strlen(arguments[i]));
		if (error)
			return error;
	}
	return 0;
}

/* A single argument that is no frame is a file. */
static int read_all(struct backtrace2line *b, char **arguments, int count)
{
	struct frame frame;

	if (count == 0)
		return read_file(b, "-");
	if (count == 1 && frame_parse(arguments[0], strlen(arguments[0]), &frame) != 0)
		return read_file(b, arguments[0]);
	return read_arguments(b, arguments, count);
}

static void free_all(struct backtrace2line *b)
{
	symbols_destroy(b->symbols);
	search_options_free(&b->search);
	maps_free(&b->maps);
	pool_free(&b->pool);
	free(b->waiting);
	free(b->beside);
}

static int translate(struct backtrace2line *b, char **arguments, int count)
{
	int error = read_all(b, arguments, count);
	/* Frames that were read before an error are printed as well. */
	int printing = print_waiting(b);

	if (printing)
		cli_error("%s", strerror(-printing));
	if (b->without_maps)
		cli_error("addresses without an object need the process's memory map: see --maps and --pid; those of a "
		          "chip its "
		          "program: see --exe");
	return error || printing || !b->frames ? CLI_TROUBLE : CLI_OK;
}

static int filter(struct backtrace2line *b, char **arguments, int count)
{
	struct backtrace_filter how = {.symbols = b->symbols,
	                               .maps = &b->maps,
	                               .given_maps = b->given_maps,
	                               .work_dir = b->work_dir,
	                               .full = b->full};
	const char *path = count ? arguments[0] : "-", *fault;
	struct source source;
	int error = source_open(&source, path, &b->diag);

	if (error) {
		cli_error("%s: %s", path, strerror(-error));
		return CLI_TROUBLE;
	}
	error = backtrace_filter(&how, &source, stdout);
	fault = source_fault(&source);
	if (error || fault)
		cli_error("%s: %s", source.name, error ? strerror(-error) : fault);
	source_close(&source);
	return error || fault ? CLI_TROUBLE : CLI_OK;
}

static int run(struct backtrace2line *b, char **arguments, int count)
{
	int status = CLI_TROUBLE;

	if (b->filter && count > 1)
		cli_usage_error("--filter reads one FILE or standard input");
	if (symbols_create(&b->symbols, &b->search, &b->diag) == 0)
		status = b->filter ? filter(b, arguments, count) : translate(b, arguments, count);
	free_all(b);
	return cli_finish(status);
}

static void load_maps(struct backtrace2line *b, const char *path)
{
	int error = maps_load(&b->maps, path, &b->diag);

	b->given_maps = true;
	if (!error)
		return;
	cli_error("%s: %s", path, error == -EINVAL ? "there is no memory map in it" : strerror(-error));
	exit(CLI_TROUBLE);
}

static void load_process(struct backtrace2line *b, const char *pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%" PRIu64 "/maps", cli_pid(pid));
	load_maps(b, path);
}

int main(int argc, char **argv)
{
	struct backtrace2line b = {.diag.report = cli_complain};
	int option;

	cli_start("backtrace2line");
	while ((option = getopt_long(argc, argv, "Fp:m:w:fhV", options, NULL)) != -1) {
		switch (option) {
		case 'F':
			b.filter = true;
			break;
		case 'p':
			load_process(&b, optarg);
			break;
		case 'm':
			load_maps(&b, optarg);
			break;
		case 'w':
			b.work_dir = optarg;
			break;
		case 'f':
			b.full = true;
			break;
		case 'h':
			fputs(help, stdout);
			return cli_finish(CLI_OK);
		case 'V':
			cli_version();
		default:
			if (!cli_symbol_option(&b.search, option, optarg))
				cli_usage_hint();
		}
	}
	return run(&b, argv + optind, argc - optind);
}
