/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the text of a report goes: to standard output, in lines that fit a terminal, with
 * colours on a terminal. Elsewhere, lines are as long as they are, and there are no colours.
 */
#ifndef LM_SCREEN_H
#define LM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum screen_color { SCREEN_COLOR_AUTO, SCREEN_COLOR_ALWAYS, SCREEN_COLOR_NEVER };

struct screen {
	FILE *out; /* breaks lines that are too long between words */
	int width; /* of a line, in columns; 0: any */
	bool color;
};

/*
 * Opens standard output. The width is the terminal's; or COLUMNS; or 80 on a terminal. IS_WHOLE: any width. In AUTO,
 * there are colours on a terminal, unless it is a dumb one or NO_COLOR is set. 0 or -errno.
 */
int screen_open(struct screen *screen, enum screen_color color, bool is_whole);

/* How large a terminal picture is to be. */
struct screen_picture {
	int width, height; /* of the terminal; or COLUMNS and LINES; or 80 and 24. Not checked */
	bool is_utf8;      /* what the locale can show */
};

/* The same for a picture: the width is always known, and is not widened where it is small. */
int screen_open_picture(struct screen *screen, enum screen_color color, struct screen_picture *picture);

/* Writes out what is left. Does nothing if the screen is not open. */
void screen_close(struct screen *screen);

/* What begins and ends text that stands out; "" without colours. */
const char *screen_strong(const struct screen *screen);
const char *screen_plain(const struct screen *screen);

/* Prints NAME with its control bytes as \ooo, at most ROOM columns of it, or its end if it is longer. */
void screen_print_end(const struct screen *screen, const char *name, int room);

/* The same with the beginning of NAME. */
void screen_print_begin(const struct screen *screen, const char *name, int room);

#endif
