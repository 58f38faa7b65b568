/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See plot.h. gnuplot reads its script from a pipe and writes the picture to standard
 * output: no file's name is in the script. What is from a trace is in single quotes, in
 * which gnuplot replaces nothing.
 */
#include "plot.h"
#include "bytes_print.h"
#include "cli.h"
#include "xml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* Of the whole file, and of each picture in it. */
	WIDTH = 1000,
	HEIGHT = 420,
	COLUMNS = 1000,
	RESIDENT_MUCH = 4, /* times the usable bytes */
	NOT_RUN = 127,     /* the exit status of a process that could not become gnuplot */
};

static const char *suffix_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');

	return dot ? dot : "";
}

static bool is_svg(const char *path)
{
	return strcmp(suffix_of(path), ".svg") == 0;
}

bool plot_knows(const char *path)
{
	return is_svg(path) || strcmp(suffix_of(path), ".png") == 0;
}

/* ---- the script ----------------------------------------------------------- */

/*
 * A text in single quotes, in which gnuplot replaces nothing. Typographic quotes stand for those in the text: doubled
 * ones are understood in some places only.
 */
static void print_quoted(FILE *out, const char *text)
{
	char *valid = xml_valid(text);

	putc('\'', out);
	for (const char *at = valid ? valid : "?"; *at; at++) {
		if (*at == '\'')
			fputs("\xe2\x80\x99", out);
		else if (*at == '`')
			fputs("\xe2\x80\x98", out);
		else
			putc(*at, out);
	}
	putc('\'', out);
	free(valid);
}

/* A position, in seconds if it is a time. */
static void print_position(FILE *out, const struct picture *picture, uint64_t at)
{
	if (picture_has_time_axis(picture))
		fprintf(out, "%" PRIu64 ".%03" PRIu64, at / 1000, at % 1000);
	else
		fprintf(out, "%" PRIu64, at + 1);
}

/* A line for each column: its position, then the least and the most of each series. */
static void print_data(FILE *out, const struct picture *picture, size_t number)
{
	const struct envelope *envelope = picture_envelope(picture);
	struct envelope_step *columns = calloc(COLUMNS, sizeof *columns);

	fprintf(out, "$data%zu << END\n", number);
	if (columns)
		envelope_columns(envelope, COLUMNS, columns);
	for (size_t i = 0; columns && i < COLUMNS; i++) {
		print_position(out, picture,
		               i + 1 == COLUMNS ? envelope->to : envelope_position_of(envelope, COLUMNS, i));
		for (int s = 0; s < ENVELOPE_SERIES; s++) {
			const struct envelope_range *range = &columns[i].series[s];

			if (range->is_known)
				fprintf(out, " %" PRIu64 " %" PRIu64, range->least, range->most);
			else
				fputs(" NaN NaN", out);
		}
		putc('\n', out);
	}
	fputs("END\n", out);
	free(columns);
}

/* A mark, and the peak: upright lines with a name. */
static void print_line(FILE *out, const struct picture *picture, uint64_t at, const char *name, double height)
{
	fputs("set arrow from ", out);
	print_position(out, picture, at);
	fputs(",graph 0 to ", out);
	print_position(out, picture, at);
	fputs(",graph 1 nohead lc rgb '#808080' dt 3\nset label ", out);
	print_quoted(out, name);
	fputs(" noenhanced at ", out);
	print_position(out, picture, at);
	fprintf(out, ",graph %.2f offset 0.5,0 tc rgb '#404040'\n", height);
}

static void print_lines(FILE *out, const struct picture *picture)
{
	const struct envelope_peak *peak = &picture_envelope(picture)->peaks[ENVELOPE_REQUESTED];
	char text[BYTES_TEXT + 8], units[BYTES_TEXT];

	fputs("unset arrow\nunset label\n", out);
	snprintf(text, sizeof text, "peak %s%s", picture_about(picture, ENVELOPE_REQUESTED),
	         bytes_in_units(peak->bytes, units));
	print_line(out, picture, peak->at, text, 0.96);
	/* Names of neighbours are not at the same height. */
	for (size_t i = 0; i < picture->mark_count; i++)
		print_line(out, picture, picture_mark_at(picture, i), picture->marks[i].name,
		           0.90 - 0.06 * (double)(i % 5));
}

/* Against much more resident memory, the other series could not be seen: it gets an axis of its own. */
static bool has_own_axis(const struct envelope *envelope)
{
	const struct envelope_peak *requested = &envelope->peaks[ENVELOPE_REQUESTED],
				   *usable = &envelope->peaks[ENVELOPE_USABLE],
				   *resident = &envelope->peaks[ENVELOPE_RESIDENT];

	return resident->is_known && resident->bytes / RESIDENT_MUCH > (usable->is_known ? usable : requested)->bytes;
}

/* AXIS is y or y2. */
static void print_scale(FILE *out, const char *axis, uint64_t most)
{
	double top = (double)picture_scale(most);

	fprintf(out, "set %srange [0:%.1f]\nset %stics 0,%.2f,%.1f\n", axis, top, axis, top / 4, top);
}

static void print_scales(FILE *out, const struct picture *picture)
{
	const struct envelope *envelope = picture_envelope(picture);
	uint64_t most = 0;

	fputs("set xrange [", out);
	print_position(out, picture, envelope->from);
	putc(':', out);
	print_position(out, picture, envelope->to > envelope->from ? envelope->to : envelope->to + 1);
	fputs("]\n", out);
	for (int s = 0; s < ENVELOPE_SERIES; s++)
		if ((s != ENVELOPE_RESIDENT || !has_own_axis(envelope)) && envelope->peaks[s].bytes > most)
			most = envelope->peaks[s].bytes;
	print_scale(out, "y", most);
	if (has_own_axis(envelope)) {
		print_scale(out, "y2", envelope->peaks[ENVELOPE_RESIDENT].bytes);
		fputs("set y2label 'resident'\nset ytics nomirror\n", out);
	} else {
		fputs("unset y2tics\nunset y2label\nset ytics mirror\n", out);
	}
}

static void print_series(FILE *out, const struct picture *picture, size_t number)
{
	static const char *const looks[ENVELOPE_SERIES] = {"lc rgb '#1b7837' lw 2 dt 1", "lc rgb '#2166ac' lw 1.5 dt 2",
	                                                   "lc rgb '#a3195b' lw 1.5 dt 4"};
	const struct envelope *envelope = picture_envelope(picture);

	fputs("plot ", out);
	for (int s = 0; s < ENVELOPE_SERIES; s++) {
		const bool is_right = s == ENVELOPE_RESIDENT && has_own_axis(envelope);
		const char *axes = is_right ? "x1y2" : "x1y1";

		if (!envelope->peaks[s].is_known)
			continue;
		fprintf(out,
		        "%s$data%zu using 1:%d:%d axes %s with filledcurves fs transparent solid 0.25 noborder %s "
		        "notitle, $data%zu using 1:%d axes %s with lines %s title '%s%s%s'",
		        s ? ", " : "", number, 2 + 2 * s, 3 + 2 * s, axes, looks[s], number, 3 + 2 * s, axes, looks[s],
		        picture_about(picture, (enum envelope_series)s), picture_series((enum envelope_series)s),
		        is_right ? " (right axis)" : "");
	}
	putc('\n', out);
}

int plot_begin(struct plot *plot)
{
	*plot = (struct plot){.count = 0};
	plot->script = open_memstream(&plot->text, &plot->len);
	return plot->script ? 0 : -ENOMEM;
}

void plot_add(struct plot *plot, const struct picture *picture)
{
	FILE *out = plot->script;

	if (plot->count == PLOT_MOST) {
		plot->more++;
		return;
	}
	plot->count++;
	print_data(out, picture, plot->count);
	fputs("set title ", out);
	print_quoted(out, picture->title);
	fprintf(out, " noenhanced\nset xlabel '%s'\n", picture_has_time_axis(picture) ? "seconds" : "events");
	if (picture->events) {
		print_lines(out, picture);
		print_scales(out, picture);
		print_series(out, picture, plot->count);
	} else {
		fputs("unset arrow\nunset label\nset label 'no events' at graph 0.5,0.5 center\n"
		      "plot [0:1][0:1] NaN notitle\n",
		      out);
	}
}

/* What stands in front of all pictures. */
static void print_begin(FILE *out, const char *path, size_t count)
{
	fprintf(out, "set encoding utf8\nset terminal %s size %d,%zu%s noenhanced background rgb 'white'\n",
	        is_svg(path) ? "svg" : "pngcairo", WIDTH, HEIGHT * count, is_svg(path) ? " dynamic" : "");
	fprintf(out,
	        "set multiplot layout %zu,1\nset key outside top center horizontal\nset grid ytics\n"
	        "set format y '%%.1b %%BB'\nset format y2 '%%.1b %%BB'\nset ylabel 'in use'\nset tics noenhanced\n",
	        count);
}

/* ---- gnuplot -------------------------------------------------------------- */

/* Runs gnuplot with the descriptor IN as standard input. 0 or an errno. */
static int start(int in, pid_t *pid)
{
	/* -d: no start-up files, which might say anything. */
	static char name[] = "gnuplot", defaults[] = "-d";
	char *const arguments[] = {name, defaults, NULL};
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!error)
		error = posix_spawnp(pid, name, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static bool is_done(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_RUN)
		cli_error("--plot needs gnuplot, which could not be run");
	else
		cli_error("gnuplot failed: there is no picture");
	return false;
}

/* The pictures are written by gnuplot as it reads the script. */
static bool run(struct plot *plot, const char *path)
{
	int ends[2], error;
	FILE *script;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		cli_error("cannot make a pipe: %s", strerror(errno));
		return false;
	}
	error = start(ends[0], &pid);
	close(ends[0]);
	script = error ? NULL : fdopen(ends[1], "w");
	if (!script)
		close(ends[1]);
	if (error) {
		cli_error("--plot needs gnuplot: %s%s", strerror(error),
		          error == ENOENT ? "; install the package gnuplot-nox, or use --chart" : "");
		return false;
	}
	/* A gnuplot that ends early is told of by its status. */
	signal(SIGPIPE, SIG_IGN);
	if (script) {
		print_begin(script, path, plot->count);
		fwrite(plot->text, 1, plot->len, script);
		fputs("unset multiplot\n", script);
		fclose(script);
	}
	return is_done(pid) && script;
}

void plot_drop(struct plot *plot)
{
	fclose(plot->script);
	free(plot->text);
}

bool plot_end(struct plot *plot, const char *path)
{
	bool done = false;

	if (fflush(plot->script) != 0)
		cli_error("%s", strerror(ENOMEM));
	else if (!plot->count)
		cli_error("there is nothing to plot");
	else
		done = run(plot, path);
	if (done && plot->more)
		cli_error("the picture has the first %d programs of %zu", PLOT_MOST, plot->count + plot->more);
	plot_drop(plot);
	return done;
}
