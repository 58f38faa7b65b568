/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See top_screen.h. */
#include "top_screen.h"
#include "cli.h"
#include "columns.h"
#include "duration_print.h"
#include "estimate.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines above the list: the title, the usage, the rates, the growth, a message, the heading. */
enum { HEAD = 6 };

enum { KEY_ESCAPE = 27, TEXT = 512, RATE_TEXT = BYTES_TEXT + 32 };

static const char *const sorts[TOP_SORTS] = {
	[TOP_LIVE] = "live bytes", [TOP_BLOCKS] = "live blocks",        [TOP_GROWTH] = "growth",
	[TOP_RATE] = "rate",       [TOP_ALLOCATED] = "allocated bytes",
};

static const char *const help[] = {
	"LIVE       bytes of blocks that are not released",
	"BLOCKS     their number",
	"GROWTH     by how much LIVE grew since the mark, or in all without a mark",
	"RATE       bytes allocated a second, since the last view; of a trace that has",
	"           ended, from its beginning to its end",
	"ALLOCATED  bytes allocated in all, released ones too; in wide terminals",
	"",
	"Bytes have units of 1024: K, M, G. A name says who asked for the blocks, then",
	"its callers. Functions of C++'s library in front are left out.",
	"",
	"up, down, k, j, Page Up, Page Down, Home, End   choose a row, or scroll",
	"Enter      look into the row: its whole backtrace; again or Esc: back",
	"s          sort by the next column",
	"l b g r a  sort by LIVE, BLOCKS, GROWTH, RATE, ALLOCATED",
	"m          set the mark: growth begins anew at 0",
	"Space, f   freeze the view, and go on",
	"h, ?       this text",
	"q, Ctrl-C  quit",
	NULL,
};

/* ---- the terminal --------------------------------------------------------- */

/* Of term.h, which has macros such as columns and lines. */
int setupterm(const char *name, int fd, int *error);

static void say_unknown(void)
{
	const char *name = getenv("TERM");

	cli_error("the terminal's type is not known: TERM=%s", name ? name : "");
}

bool top_screen_fits(void)
{
	int error;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		cli_error("standard %s is no terminal, which a live view needs; log-malloc-report writes a report",
		          isatty(STDOUT_FILENO) ? "input" : "output");
		return false;
	}
	if (setupterm(NULL, STDOUT_FILENO, &error) == OK)
		return true;
	say_unknown();
	return false;
}

bool top_screen_open(struct top_screen *screen)
{
	setlocale(LC_CTYPE, "");
	screen->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!newterm(NULL, stdout, stdin)) {
		say_unknown();
		return false;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	return true;
}

void top_screen_close(void)
{
	endwin();
}

/* Puts TEXT at a place, cut to WIDTH columns. What the locale can't show becomes question marks. */
static void put(const struct top_screen *screen, int line, int column, int width, const char *text)
{
	size_t len = columns_head(text, strlen(text), width), bytes;

	if (width <= 0 || line >= LINES || move(line, column) == ERR)
		return;
	if (screen->is_utf8) {
		addnstr(text, (int)len);
		return;
	}
	for (size_t at = 0; at < len; at += bytes) {
		columns_of_character(text + at, len - at, &bytes);
		addch((unsigned char)text[at] < 0x80 ? (chtype)(unsigned char)text[at] : '?');
	}
}

static void put_line(const struct top_screen *screen, int line, const char *text)
{
	put(screen, line, 0, COLS, text);
}

/* Fills the rest of a line that has an attribute. */
static void put_bar(const struct top_screen *screen, int line, attr_t attribute, const char *text)
{
	attrset(attribute);
	mvhline(line, 0, ' ', COLS);
	put_line(screen, line, text);
	attrset(A_NORMAL);
}

/* ---- the list ------------------------------------------------------------- */

/* "+1.50M", in TEXT */
static char *signed_short(int64_t bytes, char text[BYTES_TEXT])
{
	uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
	char digits[BYTES_TEXT];

	if (size)
		snprintf(text, BYTES_TEXT, "%c%.8s", bytes < 0 ? '-' : '+', bytes_short(size, digits));
	else
		snprintf(text, BYTES_TEXT, "0");
	return text;
}

/* Puts MARK in front of NUMBER, which has room for it. */
static const char *marked(const char *mark, char *number)
{
	const size_t room = strlen(mark);

	memmove(number + room, number, strlen(number) + 1);
	for (size_t i = 0; i < room; i++)
		number[i] = mark[i];
	return number;
}

/* Of a long path, the end says which program it is. */
static void draw_title(const struct top_screen *screen, const struct top_picture *picture)
{
	static const char dots[] = "...";
	const char *program = picture->program;
	size_t len = strlen(program), kept;
	char text[TEXT], time[BYTES_TEXT];
	int used;

	used = snprintf(text, sizeof text, "log-malloc-top: %s, %s; ", picture->status,
	                duration_text(picture->time, time));
	if (picture->pid)
		used += snprintf(text + used, sizeof text - (size_t)used, "process %" PRIu64 " ", picture->pid);
	put_bar(screen, 0, A_REVERSE, text);
	kept = columns_tail(program, len, COLS - used);
	if (kept < len)
		kept = columns_tail(program, len, COLS - used - (int)strlen(dots));
	attrset(A_REVERSE);
	put(screen, 0, used, COLS - used, kept < len ? dots : "");
	put(screen, 0, used + (kept < len ? (int)strlen(dots) : 0), COLS - used, program + (len - kept));
	attrset(A_NORMAL);
}

/* BYTES in a second, with FRONT in front; "-" if that is not known yet. */
static const char *rate_text(const struct top_state *state, const char *front, uint64_t bytes, char text[RATE_TEXT])
{
	char units[BYTES_TEXT];

	if (state->has_rates)
		snprintf(text, RATE_TEXT, "%s%s/s", front, bytes_in_units(bytes, units));
	else
		snprintf(text, RATE_TEXT, "-");
	return text;
}

/* The same of calls. */
static const char *calls_text(const struct top_state *state, const char *front, char text[RATE_TEXT])
{
	if (state->has_rates)
		snprintf(text, RATE_TEXT, "%s%" PRIu64 " block%s/s", front, state->calls, plural(state->calls));
	else
		snprintf(text, RATE_TEXT, "-");
	return text;
}

static void draw_head(const struct top_screen *screen, const struct top_picture *picture)
{
	const struct top_state *state = picture->state;
	const char *live = about(&state->live), *all = about(&state->allocated);
	char text[TEXT], a[BYTES_TEXT], b[BYTES_TEXT], c[RATE_TEXT], d[RATE_TEXT];

	draw_title(screen, picture);
	snprintf(text, sizeof text, "In use:    %s%" PRIu64 " bytes (%s%s) in %s%" PRIu64 " block%s; peak %s%s", live,
	         state->live.bytes, live, bytes_in_units(state->live.bytes, a), live, state->live.count,
	         plural(state->live.count), about(&state->peak), bytes_in_units(state->peak.bytes, b));
	put_line(screen, 1, text);
	snprintf(text, sizeof text, "Allocated: %s%s in %s%" PRIu64 " block%s; %s, %s; %" PRIu64 " event%s", all,
	         bytes_in_units(state->allocated.bytes, a), all, state->allocated.count, plural(state->allocated.count),
	         rate_text(state, all, state->rate, c), calls_text(state, all, d), picture->events,
	         plural(picture->events));
	put_line(screen, 2, text);
	if (state->has_mark)
		snprintf(text, sizeof text, "Growth:    %s%+" PRId64 " byte%s since the mark, %s ago", all,
		         state->growth, plural((uint64_t)state->growth), duration_text(picture->mark_age, a));
	else
		snprintf(text, sizeof text, "Growth:    no mark: press m to set one");
	put_line(screen, 3, text);
	snprintf(text, sizeof text, "By %s; %zu backtrace%s%s%s%s%s", sorts[screen->sort], state->count,
	         plural(state->count), picture->lack, screen->is_frozen ? "; FROZEN" : "",
	         *picture->message ? "; " : "", picture->message);
	put_line(screen, 4, text);
}

static bool is_wide(void)
{
	return COLS >= TOP_COLUMNS + 20;
}

static void draw_row(const struct top_screen *screen, const struct top_picture *picture, const struct top_row *row,
                     int line, bool is_selected)
{
	const char *name = picture->name(picture->context, row->consumer);
	char text[TEXT], a[BYTES_TEXT], b[BYTES_TEXT], c[BYTES_TEXT], d[BYTES_TEXT], blocks[ESTIMATE_CELL];
	const char *all = about(&row->allocated);
	int used;

	used = snprintf(text, sizeof text, "%7s %8s %8s %7s ",
	                marked(about(&row->live), bytes_short(row->live.bytes, a)),
	                about_in_cell(&row->live, row->live.count, blocks), marked(all, signed_short(row->growth, b)),
	                picture->state->has_rates ? marked(all, bytes_short(row->rate, c)) : "-");
	if (is_wide())
		used += snprintf(text + used, sizeof text - (size_t)used, "%9s ",
		                 marked(all, bytes_short(row->allocated.bytes, d)));
	put_bar(screen, line, is_selected ? A_REVERSE : A_NORMAL, text);
	attrset(is_selected ? A_REVERSE : A_NORMAL);
	put(screen, line, used, COLS - used, name ? name : "(no memory)");
	attrset(A_NORMAL);
}

/* The list's rows that the terminal has room for. */
static size_t room(void)
{
	return LINES > HEAD + 1 ? (size_t)(LINES - HEAD - 1) : 1;
}

/* Keeps the chosen row on the screen. */
static void scroll_to(struct top_screen *screen, size_t count)
{
	if (screen->selected >= count)
		screen->selected = count ? count - 1 : 0;
	if (screen->first > screen->selected)
		screen->first = screen->selected;
	if (screen->selected >= screen->first + room())
		screen->first = screen->selected - room() + 1;
	if (screen->first + room() > count)
		screen->first = count > room() ? count - room() : 0;
}

static void draw_list(struct top_screen *screen, const struct top_picture *picture)
{
	const struct top_state *state = picture->state;

	scroll_to(screen, state->count);
	put_bar(screen, HEAD - 1, A_BOLD | A_UNDERLINE,
	        is_wide() ? "   LIVE   BLOCKS   GROWTH    RATE ALLOCATED WHO < CALLER"
	                  : "   LIVE   BLOCKS   GROWTH    RATE WHO < CALLER");
	for (size_t i = 0; i < room() && screen->first + i < state->count; i++)
		draw_row(screen, picture, &state->rows[screen->first + i], HEAD + (int)i,
		         screen->first + i == screen->selected);
	put_bar(screen, LINES - 1, A_REVERSE, "q quit  s sort  m mark  space freeze  enter look into  h help");
}

/* ---- the other pages ------------------------------------------------------ */

/* Draws LINES of a page from FROM on, scrolled. */
static void draw_lines(struct top_screen *screen, const char *const *lines, int from)
{
	size_t count = 0, shown = LINES > from + 1 ? (size_t)(LINES - from - 1) : 0;

	while (lines[count])
		count++;
	if (screen->scrolled + shown > count)
		screen->scrolled = count > shown ? count - shown : 0;
	for (size_t i = 0; i < shown && screen->scrolled + i < count; i++)
		put_line(screen, from + (int)i, lines[screen->scrolled + i]);
}

/* The row that is looked into; NULL if it is gone, as with its process. */
static const struct top_row *find_entry(const struct top_screen *screen, const struct top_state *state)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->rows[i].consumer == screen->entry)
			return &state->rows[i];
	return NULL;
}

static void draw_entry(struct top_screen *screen, const struct top_picture *picture)
{
	static const char *const none[] = {"(no memory)", NULL};
	const struct top_row *row = find_entry(screen, picture->state);
	const char *const *lines = picture->backtrace(picture->context, row->consumer);
	const char *live = about(&row->live), *all = about(&row->allocated);
	char text[TEXT], a[RATE_TEXT];

	put_bar(screen, HEAD - 1, A_BOLD | A_UNDERLINE, "One backtrace");
	snprintf(text, sizeof text, "Live:      %s%" PRIu64 " bytes in %s%" PRIu64 " block%s; growth %s%+" PRId64, live,
	         row->live.bytes, live, row->live.count, plural(row->live.count), all, row->growth);
	put_line(screen, HEAD, text);
	snprintf(text, sizeof text, "Allocated: %s%" PRIu64 " bytes in %s%" PRIu64 " block%s; %s", all,
	         row->allocated.bytes, all, row->allocated.count, plural(row->allocated.count),
	         rate_text(picture->state, all, row->rate, a));
	put_line(screen, HEAD + 1, text);
	draw_lines(screen, lines ? lines : none, HEAD + 3);
	put_bar(screen, LINES - 1, A_REVERSE, "q quit  enter back  up, down scroll");
}

static void draw_help(struct top_screen *screen)
{
	draw_lines(screen, help, 1);
	put_bar(screen, LINES - 1, A_REVERSE, "q quit  h back  up, down scroll");
}

void top_screen_draw(struct top_screen *screen, const struct top_picture *picture)
{
	erase();
	if (LINES < TOP_LINES || COLS < TOP_COLUMNS) {
		put_line(screen, 0, "log-malloc-top needs 80 columns and 24 lines.");
		refresh();
		return;
	}
	if (screen->page == TOP_ENTRY && !find_entry(screen, picture->state))
		screen->page = TOP_LIST;
	if (screen->page == TOP_HELP) {
		put_bar(screen, 0, A_REVERSE, "log-malloc-top: help");
		draw_help(screen);
	} else {
		draw_head(screen, picture);
		(screen->page == TOP_ENTRY ? draw_entry : draw_list)(screen, picture);
	}
	refresh();
}

/* ---- keys ----------------------------------------------------------------- */

/* Moves by STEP rows, or lines of another page. */
static void move_by(struct top_screen *screen, size_t count, long step)
{
	size_t *at = screen->page == TOP_LIST ? &screen->selected : &screen->scrolled;

	if (step < 0)
		*at -= *at < (size_t)-step ? *at : (size_t)-step;
	else if (screen->page != TOP_LIST || count)
		*at += (size_t)step;
	if (screen->page == TOP_LIST && *at >= count)
		*at = count ? count - 1 : 0;
}

static bool follow_motion(struct top_screen *screen, size_t count, int key)
{
	const long all = 1 << 30, page = (long)room();

	switch (key) {
	case KEY_UP:
	case 'k':
		move_by(screen, count, -1);
		return true;
	case KEY_DOWN:
	case 'j':
		move_by(screen, count, 1);
		return true;
	case KEY_PPAGE:
		move_by(screen, count, -page);
		return true;
	case KEY_NPAGE:
		move_by(screen, count, page);
		return true;
	case KEY_HOME:
		move_by(screen, count, -all);
		return true;
	case KEY_END:
		move_by(screen, count, all);
		return true;
	default:
		return false;
	}
}

static bool follow_sort(struct top_screen *screen, int key)
{
	static const char letters[] = "lbgra";
	const char *letter = key > 0 && key < 0x80 ? strchr(letters, key) : NULL;

	if (key == 's')
		screen->sort = (screen->sort + 1) % TOP_SORTS;
	else if (letter)
		screen->sort = (enum top_sort)(letter - letters);
	else
		return false;
	screen->selected = screen->first = 0;
	return true;
}

/* Goes to PAGE, or back from it. */
static void turn_to(struct top_screen *screen, enum top_page page)
{
	screen->page = screen->page == page ? TOP_LIST : page;
	screen->scrolled = 0;
}

/* Looks into the chosen row, or back. */
static void look_into(struct top_screen *screen, const struct top_state *state)
{
	if (screen->page == TOP_LIST && screen->selected < state->count)
		screen->entry = state->rows[screen->selected].consumer;
	turn_to(screen, screen->page == TOP_HELP ? TOP_HELP : TOP_ENTRY);
}

static enum top_wish follow_key(struct top_screen *screen, const struct top_state *state, int key)
{
	switch (key) {
	case 'q':
		return TOP_QUIT;
	case 'm':
		return TOP_MARK;
	case ' ':
	case 'f':
		screen->is_frozen = !screen->is_frozen;
		return TOP_REDRAW;
	case 'h':
	case '?':
		turn_to(screen, TOP_HELP);
		return TOP_REDRAW;
	case '\n':
	case '\r':
	case KEY_ENTER:
		look_into(screen, state);
		return TOP_REDRAW;
	case KEY_ESCAPE:
	case KEY_BACKSPACE:
		screen->page = TOP_LIST;
		return TOP_REDRAW;
	case KEY_RESIZE:
		return TOP_REDRAW;
	default:
		break;
	}
	return follow_motion(screen, state->count, key) || (screen->page == TOP_LIST && follow_sort(screen, key))
	               ? TOP_REDRAW
	               : TOP_NOTHING;
}

void top_screen_forget(struct top_screen *screen)
{
	if (screen->page == TOP_ENTRY)
		turn_to(screen, TOP_LIST);
}

enum top_wish top_screen_key(struct top_screen *screen, const struct top_state *state, int ms)
{
	int key;

	timeout(ms);
	key = getch();
	return key == ERR ? TOP_NOTHING : follow_key(screen, state, key);
}
