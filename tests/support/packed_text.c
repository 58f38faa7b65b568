/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See packed_text.h. */
#include "packed_text.h"
#include "packed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void packed_bytes(struct packed_text *text, const void *bytes, size_t len)
{
	if (text->len + len > text->room) {
		text->room = 2 * (text->len + len);
		text->bytes = realloc(text->bytes, text->room);
		if (!text->bytes)
			abort();
	}
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

void packed_word(struct packed_text *text, uint64_t word)
{
	uint64_t bytes = lm_packed_bytes(word);

	packed_bytes(text, &bytes, sizeof bytes);
}

void packed_line(struct packed_text *text, const char *fmt, ...)
{
	char line[4096];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = (size_t)vsnprintf(line, sizeof line - LM_PACKED_WORD, fmt, args);
	va_end(args);
	while ((len + 1) % LM_PACKED_WORD)
		line[len++] = ' ';
	line[len++] = '\n';
	packed_bytes(text, line, len);
}

static void put_block(struct packed_text *text, struct packed_block block)
{
	packed_word(text, lm_packed_block(block.slack, block.size, block.node));
}

void packed_free(struct packed_text *text, unsigned thread, uint64_t address)
{
	packed_word(text, lm_packed_first(LM_PACKED_FREE, thread, address));
}

void packed_malloc(struct packed_text *text, unsigned thread, uint64_t address, struct packed_block block)
{
	packed_word(text, lm_packed_first(LM_PACKED_MALLOC, thread, address));
	put_block(text, block);
}

void packed_calloc(struct packed_text *text, unsigned thread, uint64_t address, struct packed_block block)
{
	packed_word(text, lm_packed_first(LM_PACKED_CALLOC, thread, address));
	put_block(text, block);
}

void packed_calloc_of(struct packed_text *text, unsigned thread, uint64_t address, struct packed_block block,
                      uint64_t count, uint64_t each)
{
	packed_word(text, lm_packed_first(LM_PACKED_CALLOC_OF, thread, address));
	put_block(text, block);
	packed_word(text, lm_packed_elements(count, each));
}

void packed_realloc(struct packed_text *text, unsigned thread, uint64_t from, uint64_t to, struct packed_block block)
{
	packed_word(text, lm_packed_first(from == to ? LM_PACKED_REALLOC_AT : LM_PACKED_REALLOC, thread, from));
	put_block(text, block);
	if (from != to)
		packed_word(text, lm_packed_new(to));
}

void packed_node(struct packed_text *text, uint64_t node, uint64_t caller, uint64_t frame)
{
	packed_word(text, lm_packed_node(node, frame));
	packed_word(text, lm_packed_caller(caller));
}

void packed_frame(struct packed_text *text, unsigned number, char letter)
{
	packed_line(text, "# FRAME %u\n/%c(+0x1)[0x1]", number, letter);
}

void packed_begin(struct packed_text *text, unsigned pid)
{
	packed_line(text, "# PID %u", pid);
	packed_line(text, "# FORMAT packed");
	packed_line(text, "+ INIT [0:0] malloc=0 calloc=0 realloc=0 memalign=0/0 valloc=0 free=0");
}

void packed_clear(struct packed_text *text)
{
	free(text->bytes);
	*text = (struct packed_text){NULL, 0, 0};
}
