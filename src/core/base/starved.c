/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See starved.h. What the kernel says of a thread is in /proc/self/task/THREAD/stat, see proc(5). */
#include "starved.h"

#include <fcntl.h>

#include "identity.h"
#include "sys.h"
#include "text.h"

/* Of the kernel's time. No record takes that long. */
#define TICKS_ENOUGH 5

/* The times are those in the program's code and in the kernel. */
enum { STATE_FIELD = 3, USER_FIELD = 14, KERNEL_FIELD = 15 };

/* The line's beginning: how many bytes; 0 if it can't be read. */
static size_t read_stat(int thread, char *line, size_t size)
{
	char path[64];
	struct lm_text text = {path, path + sizeof path - 1};
	long n;
	int fd;

	lm_text_string(&text, "/proc/self/task/");
	lm_text_unsigned(&text, (uint64_t)thread);
	lm_text_string(&text, "/stat");
	*text.at = '\0';
	fd = lm_sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	if (fd < 0)
		return 0;
	n = lm_sys_read_full(fd, line, size);
	lm_sys_close(fd);
	return n > 0 ? (size_t)n : 0;
}

static uint64_t number_in(const char *line, size_t length, int field)
{
	size_t size = 0;
	const char *at = lm_identity_field(line, length, field, &size);
	uint64_t number = 0;

	for (size_t i = 0; at && i < size; i++)
		number = number * 10 + (uint64_t)(at[i] - '0');
	return number;
}

int lm_starved_look(struct lm_starved *state, int thread)
{
	char line[LM_IDENTITY_STAT_MAX];
	size_t length = read_stat(thread, line, sizeof line), size;
	const char *at = lm_identity_field(line, length, STATE_FIELD, &size);
	uint64_t ticks;

	/* D: it waits for a disk, in a page fault perhaps. */
	if (!at || (*at != 'R' && *at != 'D'))
		return 0;
	ticks = number_in(line, length, USER_FIELD) + number_in(line, length, KERNEL_FIELD);
	if (!state->was_seen)
		*state = (struct lm_starved){1, ticks};
	return ticks - state->ticks < TICKS_ENOUGH;
}
