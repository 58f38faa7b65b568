/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See frame.h. Frames are read from their end, since the object in front can contain any character. */
#include "frame.h"
#include "cursor.h"

#include <errno.h>

/* Takes "[0xADDRESS]" from the end of TEXT and shortens *LEN by it. */
static bool take_address(const char *text, size_t *len, struct frame *frame)
{
	const char *open = memrchr(text, '[', *len);
	struct cursor c;

	if (!open)
		return false;
	c = cursor_start(open, *len - (size_t)(open - text));
	if (!cursor_byte(&c, '[') || !cursor_address(&c, &frame->address) || !cursor_byte(&c, ']') ||
	    !cursor_at_end(&c))
		return false;
	*len = (size_t)(open - text);
	frame->has_address = true;
	return true;
}

/* Takes what is in the parentheses: "", "SYMBOL", "+0xOFFSET", "SYMBOL+0xOFFSET". */
static bool take_place(const char *text, size_t len, struct frame *frame)
{
	const char *plus = memrchr(text, '+', len);
	struct cursor c;

	if (plus) {
		c = cursor_start(plus + 1, len - (size_t)(plus + 1 - text));
		if (!cursor_address(&c, &frame->offset) || !cursor_at_end(&c))
			return false;
		frame->has_offset = true;
		len = (size_t)(plus - text);
	}
	if (len) {
		frame->symbol = text;
		frame->symbol_len = len;
	}
	return true;
}

int frame_parse(const char *text, size_t len, struct frame *frame)
{
	struct cursor plain = cursor_start(text, len);
	const char *open;

	*frame = (struct frame){0};
	if (cursor_address(&plain, &frame->address) && cursor_at_end(&plain)) {
		frame->has_address = true;
		return 0;
	}
	take_address(text, &len, frame);
	if (len == 0)
		return frame->has_address ? 0 : -EINVAL;
	/* backtrace_symbols() puts a blank before the address. */
	if (frame->has_address && text[len - 1] == ' ')
		len--;
	frame->object = text;
	frame->object_len = len;
	if (len == 0 || text[len - 1] != ')')
		/* Old versions of glibc name an object without symbols without parentheses. */
		return len && frame->has_address ? 0 : -EINVAL;
	open = memrchr(text, '(', len);
	if (!open || open == text || !take_place(open + 1, len - 2 - (size_t)(open - text), frame))
		return -EINVAL;
	frame->object_len = (size_t)(open - text);
	return frame->has_address || frame->has_offset ? 0 : -EINVAL;
}
