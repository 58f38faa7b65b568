/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See messages.h. */
#include "messages.h"

#include <stdio.h>

static void keep(void *context, const char *file, uint64_t line, const char *message)
{
	struct messages *messages = context;

	(void)file;
	(void)line;
	messages->count++;
	snprintf(messages->last, sizeof messages->last, "%s", message);
}

struct diag messages_diag(struct messages *messages)
{
	*messages = (struct messages){0};
	return (struct diag){.report = keep, .context = messages};
}
