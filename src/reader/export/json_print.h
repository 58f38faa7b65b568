/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints JSON piece by piece. A list of leaks can be long: each leak is made, printed and
 * forgotten. What many of them share are their frames: the text of each frame is kept.
 */
#ifndef LM_READER_JSON_PRINT_H
#define LM_READER_JSON_PRINT_H

#include "hash.h"
#include "locations.h"
#include "pool.h"
#include "resolve.h"
#include "stacks.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The objects of one frame, with commas between them. */
struct json_frame_text {
	const char *text;
	size_t len;
};

/* The caller sets OUT; the rest is zero. After the first error, nothing more is printed. */
struct json_printer {
	FILE *out;
	int error;
	bool follows; /* something stands in front of the next piece, so it needs a comma */
	char *text;   /* what is not written to OUT yet */
	size_t len, room;
	/* Frames that were printed before, and their places by number or by the address of their location. */
	struct hash_table known;
	struct json_frame_text *frames;
	size_t frame_count, frame_room;
	struct pool pool;
};

/* BRACKET, which is '{' or '[', begins a value. NAME is its name, or NULL if it is not a member of an object. */
void json_print_open(struct json_printer *printer, const char *name, char bracket);

void json_print_close(struct json_printer *printer, char bracket);

/* The members of OBJECT. They belong to the object that is open. OBJECT is released; NULL: there was no memory. */
void json_print_members(struct json_printer *printer, json_t *object);

/* The member "backtrace". All backtraces of a printer have to be of the same image. */
void json_print_backtrace(struct json_printer *printer, const struct stacks *stacks, const struct resolver *resolver,
                          uint32_t stack);

/* The same, from DEPTH locations, innermost first. The locations have to stay where they are. */
void json_print_locations(struct json_printer *printer, const struct location *const *locations, size_t depth);

/* Ends the line and frees what the printer has. 0 or -errno. */
int json_print_end(struct json_printer *printer);

#endif
