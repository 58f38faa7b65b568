/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See screen.h. */
#include "screen.h"
#include "columns.h"
#include "escape.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	WIDTH_USUAL = 80,
	HEIGHT_USUAL = 24,
	/* In narrower lines, a report can't be read whatever is left out. */
	WIDTH_LEAST = 40,
	/* How far the rest of a line that was broken is indented. */
	CONTINUED = 4,
};

/* ---- lines that fit ------------------------------------------------------- */

struct wrap {
	FILE *to;
	int width;
	char *line; /* what was written since the last newline */
	size_t len, room;
};

/* The length of a colour's control sequence at TEXT; 0 if there is none. */
static size_t sequence(const char *text, size_t len)
{
	const char *end = len > 1 && text[0] == '\033' && text[1] == '[' ? memchr(text, 'm', len) : NULL;

	return end ? (size_t)(end + 1 - text) : 0;
}

/* The length of the blanks that LINE begins with, and of colours between them. Sets *COLUMNS to the number of blanks.
 */
static size_t leading(const char *line, size_t len, int *columns)
{
	size_t at = 0, bytes = 0;

	for (*columns = 0; at < len && (line[at] == ' ' || (bytes = sequence(line + at, len - at)) > 0); at += bytes) {
		if (line[at] == ' ') {
			bytes = 1;
			++*columns;
		}
	}
	return at;
}

/* How much of LINE fits into ROOM columns: all, or up to the last blank; a single word if that is too long. */
static size_t fitting(const char *line, size_t len, int room)
{
	size_t at, blank = 0, bytes;
	int columns;

	for (at = leading(line, len, &columns); at < len; at += bytes) {
		bytes = sequence(line + at, len - at);
		if (!bytes)
			columns += columns_of_character(line + at, len - at, &bytes);
		if (line[at] == ' ')
			blank = at;
		if (columns > room && blank)
			return blank;
	}
	return len;
}

static void put_line(const struct wrap *wrap)
{
	const char *line = wrap->line;
	size_t len = wrap->len, part;
	int room = wrap->width, indent;

	leading(line, len, &indent);
	if (indent > wrap->width / 2)
		indent = wrap->width / 2;
	while ((part = fitting(line, len, room)) < len) {
		fprintf(wrap->to, "%.*s\n%*s", (int)part, line, indent + CONTINUED, "");
		line += part + 1;
		len -= part + 1;
		room = wrap->width - indent - CONTINUED;
	}
	fwrite(line, 1, len, wrap->to);
}

static bool keep(struct wrap *wrap, const char *text, size_t len)
{
	if (wrap->len + len > wrap->room) {
		size_t room = 2 * (wrap->len + len);
		char *grown = realloc(wrap->line, room);

		if (!grown)
			return false;
		wrap->line = grown;
		wrap->room = room;
	}
	if (len)
		memcpy(wrap->line + wrap->len, text, len);
	wrap->len += len;
	return true;
}

static ssize_t wrap_write(void *cookie, const char *text, size_t len)
{
	struct wrap *wrap = cookie;

	for (size_t done = 0; done < len;) {
		const char *newline = memchr(text + done, '\n', len - done);
		size_t part = newline ? (size_t)(newline - text) - done : len - done;

		if (!keep(wrap, text + done, part))
			return (ssize_t)done;
		done += part + (newline != NULL);
		if (!newline)
			break;
		put_line(wrap);
		putc('\n', wrap->to);
		wrap->len = 0;
	}
	return (ssize_t)len;
}

static int wrap_close(void *cookie)
{
	struct wrap *wrap = cookie;

	put_line(wrap);
	free(wrap->line);
	free(wrap);
	return 0;
}

/* A stream to standard output that breaks lines. NULL without memory. */
static FILE *wrap_open(int width)
{
	const cookie_io_functions_t functions = {.write = wrap_write, .close = wrap_close};
	struct wrap *wrap = malloc(sizeof *wrap);
	FILE *out;

	if (!wrap)
		return NULL;
	*wrap = (struct wrap){.to = stdout, .width = width};
	out = fopencookie(wrap, "w", functions);
	if (!out)
		free(wrap);
	return out;
}

/* ---- the screen ----------------------------------------------------------- */

/* The number in a variable such as COLUMNS, or 0 if it is not set to one. */
static int variable_size(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long size = text ? strtol(text, &end, 10) : 0;

	return text && *text && !*end && size > 0 && size < 100000 ? (int)size : 0;
}

static int find_width(bool is_terminal)
{
	struct winsize size;
	int width;

	if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		width = size.ws_col;
	else
		width = variable_size("COLUMNS");
	if (!width)
		return is_terminal ? WIDTH_USUAL : 0;
	return width < WIDTH_LEAST ? WIDTH_LEAST : width;
}

static bool wants_color(bool is_terminal)
{
	const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return is_terminal && !(refused && *refused) && !(terminal && strcmp(terminal, "dumb") == 0);
}

static bool has_color(enum screen_color color, bool is_terminal)
{
	return color == SCREEN_COLOR_AUTO ? wants_color(is_terminal) : color == SCREEN_COLOR_ALWAYS;
}

int screen_open(struct screen *screen, enum screen_color color, bool is_whole)
{
	bool is_terminal = isatty(STDOUT_FILENO);

	screen->width = is_whole ? 0 : find_width(is_terminal);
	screen->color = has_color(color, is_terminal);
	screen->out = screen->width ? wrap_open(screen->width) : stdout;
	return screen->out ? 0 : -ENOMEM;
}

/* SIZE of a terminal, or that in the variable NAME, or the USUAL one. */
static int size_of(int size, const char *name, int usual)
{
	if (!size)
		size = variable_size(name);
	return size ? size : usual;
}

int screen_open_picture(struct screen *screen, enum screen_color color, struct screen_picture *picture)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	struct winsize size = {0};

	if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		size = (struct winsize){0};
	picture->width = size_of(size.ws_col, "COLUMNS", WIDTH_USUAL);
	picture->height = size_of(size.ws_row, "LINES", HEIGHT_USUAL);
	picture->is_utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen->width = picture->width;
	screen->color = has_color(color, is_terminal);
	screen->out = wrap_open(screen->width);
	return screen->out ? 0 : -ENOMEM;
}

void screen_close(struct screen *screen)
{
	if (screen->out && screen->out != stdout)
		fclose(screen->out);
	screen->out = NULL;
}

const char *screen_strong(const struct screen *screen)
{
	return screen->color ? "\033[1m" : "";
}

const char *screen_plain(const struct screen *screen)
{
	return screen->color ? "\033[0m" : "";
}

static void print_part(const struct screen *screen, const char *name, int room, bool of_end)
{
	static const char dots[] = "...";
	char *shown = escape_printable(name, strlen(name));
	size_t len = shown ? strlen(shown) : 0, kept;
	int left = room - (int)strlen(dots);

	if (!shown || !screen->width || columns_of(shown, len) <= room || left <= 0) {
		fputs(shown ? shown : "?", screen->out);
		free(shown);
		return;
	}
	kept = (of_end ? columns_tail : columns_head)(shown, len, left);
	fprintf(screen->out, "%s%.*s%s", of_end ? dots : "", (int)kept, shown + (of_end ? len - kept : 0),
	        of_end ? "" : dots);
	free(shown);
}

void screen_print_end(const struct screen *screen, const char *name, int room)
{
	print_part(screen, name, room, true);
}

void screen_print_begin(const struct screen *screen, const char *name, int room)
{
	print_part(screen, name, room, false);
}
