/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all commands share of their JSON, as log-malloc2-json(5) has it: names,
 * numbers, backtraces, process images. Values are jansson's; a function that
 * gives one gives NULL without memory.
 */
#ifndef LM_READER_JSON_H
#define LM_READER_JSON_H

#include "resolve.h"
#include "stacks.h"
#include "trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A name out of a trace: bytes that are no UTF-8 become \ooo. null if TEXT is NULL. */
json_t *json_name(const char *text, size_t len);

/* A count or a number of bytes; what JSON's readers would take for negative becomes the largest number. */
json_t *json_number(uint64_t number);

/* An address, as a string: "0x55d0c0de". */
json_t *json_address(uint64_t address);

/*
 * The frames of an image, each made once and shared by all backtraces that have
 * it. Set STACKS and RESOLVER, which have to stay, and leave the rest zero.
 */
struct json_frames {
	const struct stacks *stacks;
	const struct resolver *resolver;
	json_t **frames; /* arrays of places, by the frame's number */
	size_t count;
};

/* An array of frames, innermost first; empty if there is no backtrace. */
json_t *json_backtrace(struct json_frames *frames, uint32_t stack);

void json_frames_free(struct json_frames *frames);

/*
 * Appends what is known about one frame to the array BACKTRACE: an object, and
 * one more for each function that was inlined there. 0 or -ENOMEM.
 */
int json_add_frame(json_t *backtrace, const struct frame *frame, const struct resolved *resolved);

/*
 * An object with the fields of a process image. MALFORMED is how many of its
 * lines could not be read, ENDS_EARLY whether the trace was cut in it.
 */
json_t *json_image(const struct trace_image *image, uint64_t malformed, bool ends_early);

/* One value on one line. 0 or -EIO. */
int json_print(const json_t *value, FILE *out);

#endif
