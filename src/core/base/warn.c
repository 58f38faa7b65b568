/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See warn.h. */
#include "warn.h"

#include <errno.h>
#include <unistd.h>

#include "atomic.h"
#include "signals.h"

struct lm_text lm_warn_begin(char *buffer, size_t size)
{
	struct lm_text text = {buffer, buffer + size - 1};

	lm_text_string(&text, "log-malloc2: ");
	return text;
}

static int is_hushed;

void lm_warn_hush(int hushed)
{
	lm_store(&is_hushed, hushed);
}

void lm_warn_end(char *buffer, struct lm_text *text)
{
	if (lm_load(&is_hushed))
		return;
	text->end++;
	lm_text_char(text, '\n');
	lm_signals_write(STDERR_FILENO, buffer, (size_t)(text->at - buffer));
}

/* strerror() may allocate, since it translates. These are the errors that writing a trace can meet. */
static const char *meaning(int error)
{
	switch (error) {
	case EACCES:
		return "permission denied";
	case EBADF:
		return "the program closed its descriptor";
	case EDQUOT:
		return "disk quota exceeded";
	/* Of a file that is made if it is not there: trace_file.c says so. */
	case EEXIST:
		return "it is somebody else's file in a place where others can write";
	case EFBIG:
		return "file too large";
	case EIO:
		return "input/output error";
	case EISDIR:
		return "it is a directory";
	case ELOOP:
		return "it is a symbolic link in a place where others can write";
	case EMFILE:
		return "too many open files";
	/* Of a regular file, which is not followed: trace_file.c says so. */
	case EMLINK:
		return "it has another name, in a place where others can write";
	case ENOENT:
		return "no such file or directory";
	case ENOMEM:
		return "out of memory";
	case ENOSPC:
		return "no space left on device";
	case EPIPE:
		return "its reader went away";
	case EPERM:
		return "operation not permitted";
	case EROFS:
		return "read-only file system";
	default:
		return NULL;
	}
}

void lm_warn_error(struct lm_text *text, int error)
{
	lm_text_string(text, ": ");
	if (meaning(error)) {
		lm_text_string(text, meaning(error));
	} else {
		lm_text_string(text, "error ");
		lm_text_unsigned(text, (uint64_t)error);
	}
}

void lm_warn(const char *message, int error)
{
	char buffer[LM_WARN_SHORT];
	struct lm_text text = lm_warn_begin(buffer, sizeof buffer);

	lm_text_string(&text, message);
	if (error)
		lm_warn_error(&text, error);
	lm_warn_end(buffer, &text);
}
