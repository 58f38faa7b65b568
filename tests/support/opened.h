/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A trace that is read item by item, and what is told of it. A test has one at a time. */
#ifndef LM_TESTS_OPENED_H
#define LM_TESTS_OPENED_H

#include "diag.h"
#include "trace.h"

#include <stddef.h>
#include <stdint.h>

struct opened {
	struct trace trace;
	unsigned messages;
	char last_message[512];
	uint64_t last_line; /* that it was about */
};

extern struct opened opened;

/* Counts the messages, and keeps the last one. */
extern const struct diag opened_diag;

/* Opens a trace of that text, or tests/golden/NAME. */
void open_text(const char *text, size_t len);
void open_string(const char *text);
void open_golden(const char *name);

/* For the end of a test. */
void close_opened(void);

/* The next item, which has to be of that kind. */
struct trace_item next_item(enum trace_kind kind);

/* The end of an image has to come, and nothing behind it. */
void at_end(void);

/* The number of items that are left, ends of images left out. */
unsigned count_rest(void);

/* The frame of STACK at DEPTH has to be TEXT. */
void frame_is(uint32_t stack, size_t depth, const char *text);

#endif
