/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed traces, written record by record with the functions of packed.h. Each function adds one record. */
#ifndef LM_TESTS_PACKED_TEXT_H
#define LM_TESTS_PACKED_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct packed_text {
	char *bytes; /* a packed_text of zeros is valid and empty */
	size_t len, room;
};

/* A block as the second word of a record has it. */
struct packed_block {
	uint64_t size, slack, node;
};

/* A text record: its last line without newline. Blanks fill it up to a multiple of eight bytes. */
void packed_line(struct packed_text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void packed_bytes(struct packed_text *text, const void *bytes, size_t len);
void packed_word(struct packed_text *text, uint64_t word);

void packed_free(struct packed_text *text, unsigned thread, uint64_t address);
void packed_malloc(struct packed_text *text, unsigned thread, uint64_t address, struct packed_block block);

/* COUNT elements of size EACH, in one of the two ways that there are. */
void packed_calloc(struct packed_text *text, unsigned thread, uint64_t address, struct packed_block block);
void packed_calloc_of(struct packed_text *text, unsigned thread, uint64_t address, struct packed_block block,
                      uint64_t count, uint64_t each);
void packed_realloc(struct packed_text *text, unsigned thread, uint64_t from, uint64_t to, struct packed_block block);
void packed_node(struct packed_text *text, uint64_t node, uint64_t caller, uint64_t frame);

/* The line that defines frame NUMBER, of a module whose name is one LETTER. */
void packed_frame(struct packed_text *text, unsigned number, char letter);

/* The lines that a packed trace begins with. */
void packed_begin(struct packed_text *text, unsigned pid);

void packed_clear(struct packed_text *text);

#endif
