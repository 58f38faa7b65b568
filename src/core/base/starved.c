/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See starved.h. What the kernel says of a thread is in /proc/self/task/THREAD/stat, see proc(5). */
#include "starved.h"

#include <fcntl.h>

#include "sys.h"
#include "text.h"

/* Of the kernel's time. No record takes that long. */
#define TICKS_ENOUGH 5

/* The state, its number 3, is the first field behind the name. Field 14 is the time in the program, 15 in the kernel.
 */
#define STATE_FIELD 3
#define USER_FIELD  14

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

/* Behind the name, which can contain blanks and parentheses. */
static const char *behind_name(const char *line, size_t length)
{
	while (length && line[length - 1] != ')')
		length--;
	return length ? line + length + 1 : NULL;
}

static uint64_t number_at(const char **at, const char *end)
{
	uint64_t number = 0;

	while (*at < end && **at >= '0' && **at <= '9')
		number = number * 10 + (uint64_t)(*(*at)++ - '0');
	return number;
}

/* *AT goes to the next field. */
static void skip_field(const char **at, const char *end)
{
	while (*at < end && **at != ' ')
		++*at;
	if (*at < end)
		++*at;
}

int lm_starved_look(struct lm_starved *state, int thread)
{
	char line[256];
	size_t length = read_stat(thread, line, sizeof line);
	const char *at = behind_name(line, length), *end = line + length;
	uint64_t ticks;

	/* D: it waits for a disk, in a page fault perhaps. */
	if (!at || at >= end || (*at != 'R' && *at != 'D'))
		return 0;
	for (int field = STATE_FIELD; field < USER_FIELD; field++)
		skip_field(&at, end);
	ticks = number_at(&at, end);
	skip_field(&at, end);
	ticks += number_at(&at, end);
	if (!state->was_seen)
		*state = (struct lm_starved){1, ticks};
	return ticks - state->ticks < TICKS_ENOUGH;
}
