/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of JSON that all commands share: names, numbers, backtraces and process
 * images. log-malloc2-json(5) documents them. Values are jansson's. Functions that
 * return one return NULL if there is no memory.
 */
#ifndef LM_READER_JSON_H
#define LM_READER_JSON_H

#include "resolve.h"
#include "stacks.h"
#include "trace.h"
#include "window.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name from a trace. Bytes that are not UTF-8 become \ooo. JSON's null if TEXT is NULL. */
json_t *json_name(const char *text, size_t len);

/* A count or a number of bytes. Too large numbers, which readers may see as negative, become the largest. */
json_t *json_number(uint64_t number);

/* An address, as a string: "0x55d0c0de". */
json_t *json_address(uint64_t address);

/* A thread of an image: an object with number, tid and name. JSON's null for a thread that is not known. */
json_t *json_thread(const struct threads *threads, uint32_t place);

/*
 * The frames of an image. Each is made once, and shared by all its backtraces. This is for
 * those who look at the values; json_print.h has less to do for those who print them. The
 * caller sets STACKS and RESOLVER, which have to stay valid; the rest is zero.
 */
struct json_frames {
	const struct stacks *stacks;
	const struct resolver *resolver;
	json_t **frames; /* arrays of places, by frame number */
	size_t count;
};

/* An array of frames, innermost first; empty if there is no backtrace. */
json_t *json_backtrace(struct json_frames *frames, uint32_t stack);

void json_frames_free(struct json_frames *frames);

/*
 * Appends one frame to the array BACKTRACE: an object, and one more for each function
 * that was inlined there. 0 or -ENOMEM.
 */
int json_add_frame(json_t *backtrace, const struct frame *frame, const struct resolved *resolved);

/*
 * An object with the fields of a process image. MALFORMED is the number of its lines
 * that could not be read. ENDS_EARLY tells whether the trace was cut in it.
 */
json_t *json_image(const struct trace_image *image, uint64_t malformed, bool ends_early);

/* An object with the edges of a window, in the image that is being read; JSON's null if the user asked for none. */
json_t *json_window(const struct window *window);

#endif
