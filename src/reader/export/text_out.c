/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See text_out.h. */
#include "text_out.h"
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

/* The buffer ends with a whole line, so no character is cut in two. */
static void write_shown(struct text_out *out)
{
	const char *at = out->buffer, *end = at + out->used;

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

void text_out_flush(struct text_out *out)
{
	if (out->is_shown)
		write_shown(out);
	else
		write_all(out, out->buffer, out->buffer + out->used);
	out->used = 0;
}

void text_out_close(struct text_out *out)
{
	free(out->buffer);
	out->buffer = NULL;
}
