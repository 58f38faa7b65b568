/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws what log-malloc-top shows, and reads its keys. The only file that knows ncurses. */
#ifndef LM_TOP_SCREEN_H
#define LM_TOP_SCREEN_H

#include "top_state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum top_page { TOP_LIST, TOP_ENTRY, TOP_HELP };

/* The smallest terminal. */
enum { TOP_LINES = 24, TOP_COLUMNS = 80 };

struct top_screen {
	enum top_page page;
	enum top_sort sort;
	bool is_frozen;
	size_t selected, first; /* of the list's rows */
	size_t scrolled;        /* lines of another page */
	uint32_t entry;         /* the consumer that is looked into */
	bool is_utf8;
};

/* What is shown. All texts are printable. */
struct top_picture {
	const struct top_state *state;
	const char *program; /* "" if unknown */
	uint64_t pid;        /* 0: unknown */
	const char *status;  /* "running", "reading 45 %" */
	const char *lack;    /* which blocks are not counted: "; older blocks ..."; "" for none */
	uint64_t time;       /* milliseconds since the program began */
	uint64_t events;
	uint64_t mark_age;   /* milliseconds since the mark */
	const char *message; /* "" for none */
	/* The name of a consumer in one line, and the lines of its backtrace, NULL behind the last. NULL: no memory. */
	const char *(*name)(void *context, uint32_t consumer);
	const char *const *(*backtrace)(void *context, uint32_t consumer);
	void *context;
};

/* What the user wants. */
enum top_wish { TOP_NOTHING, TOP_REDRAW, TOP_QUIT, TOP_MARK };

/* Are standard input and output a terminal of a known type? False after a message. */
bool top_screen_fits(void);

/* Takes the terminal. False after a message. */
bool top_screen_open(struct top_screen *screen);

/* Gives it back. */
void top_screen_close(void);

void top_screen_draw(struct top_screen *screen, const struct top_picture *picture);

/* What was shown is gone: the consumers have other numbers from now on. */
void top_screen_forget(struct top_screen *screen);

/* Waits for a key for MS milliseconds at most, and follows it. */
enum top_wish top_screen_key(struct top_screen *screen, const struct top_state *state, int ms);

#endif
