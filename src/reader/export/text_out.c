/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See text_out.h. */
#include "text_out.h"
#include "array.h"
#include "escape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int text_out_open(struct text_out *out, int fd)
{
	*out = (struct text_out){.fd = fd, .is_shown = isatty(fd), .buffer = malloc(TEXT_OUT_FULL + TEXT_OUT_MAX)};
	return out->buffer ? 0 : -ENOMEM;
}

static void write_all(struct text_out *out, const char *at, const char *end)
{
	while (at < end && !out->error) {
		ssize_t n = write(out->fd, at, (size_t)(end - at));

		if (n >= 0)
			at += n;
		else if (errno != EINTR)
			out->error = -errno;
	}
}

/* The text ends with a whole line, so no character is cut in two. */
static void write_shown(struct text_out *out, const char *at, const char *end)
{
	while (at < end && !out->error) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		char *shown = escape_printable(at, (size_t)(stop - at));

		if (!shown) {
			out->error = -ENOMEM;
			return;
		}
		write_all(out, shown, shown + strlen(shown));
		free(shown);
		at = newline ? newline + 1 : end;
		write_all(out, stop, at);
	}
}

static void write_text(struct text_out *out, const char *text, size_t len)
{
	if (out->is_shown)
		write_shown(out, text, text + len);
	else
		write_all(out, text, text + len);
}

static void keep(struct text_out *out)
{
	char *held = array_grow(out->held, &out->held_room, out->held_used + out->used, 1);

	if (!held) {
		out->error = -ENOMEM;
		return;
	}
	out->held = held;
	memcpy(held + out->held_used, out->buffer, out->used);
	out->held_used += out->used;
}

void text_out_flush(struct text_out *out)
{
	if (out->is_held && out->used)
		keep(out);
	else
		write_text(out, out->buffer, out->used);
	out->used = 0;
}

void text_out_hold(struct text_out *out)
{
	text_out_flush(out);
	out->is_held = true;
}

void text_out_release(struct text_out *out, const char *first)
{
	text_out_flush(out);
	out->is_held = false;
	write_text(out, first, strlen(first));
	write_text(out, out->held, out->held_used);
	free(out->held);
	out->held = NULL;
	out->held_used = out->held_room = 0;
}

void text_out_close(struct text_out *out)
{
	free(out->buffer);
	free(out->held);
	out->buffer = out->held = NULL;
}
