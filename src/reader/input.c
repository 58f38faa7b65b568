/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See input.h. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_SIZE = 256 * 1024,
	BUFFER_SIZE = INPUT_LINE_MAX + READ_SIZE,
	DROP_SIZE = 8 * 1024 * 1024,
};

/* Maps the whole file. It may fail (too large for the address space, no mmap): the file is then a stream. */
static bool map_file(struct input *in)
{
	struct stat st;
	void *data;

	/* Files of /proc call themselves regular and empty, whatever they contain. */
	if (fstat(in->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || (uintmax_t)st.st_size > SIZE_MAX)
		return false;
	/* A descriptor that is not at the start (standard input) is read from where it is. */
	if (lseek(in->fd, 0, SEEK_CUR) != 0)
		return false;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, in->fd, 0);
	if (data == MAP_FAILED)
		return false;
	madvise(data, (size_t)st.st_size, MADV_SEQUENTIAL);
	in->data = data;
	in->len = (size_t)st.st_size;
	in->mapped = in->ended = true;
	return true;
}

/* A trace whose process wrote a journal that is still there. 0 or -errno. */
static int look_for_rest(struct input *in, const struct diag *diag)
{
	int found = recovery_find(&in->rest, in->fd, in->name, RECOVERY_LEAVE_OUT, diag);

	in->has_rest = found > 0;
	in->file_left = in->rest.size;
	return found < 0 ? found : 0;
}

int input_open(struct input *in, const char *path, const struct diag *diag)
{
	struct stat st;
	int error;

	*in = (struct input){.name = path, .fd = STDIN_FILENO};
	if (strcmp(path, "-") == 0)
		in->name = "standard input";
	else
		in->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0)
		return -errno;
	if (fstat(in->fd, &st) == 0 && S_ISDIR(st.st_mode))
		error = -EISDIR;
	else
		error = in->name == path ? look_for_rest(in, diag) : 0;
	if (!error && !in->has_rest && map_file(in))
		return 0;
	if (!error)
		in->data = malloc(BUFFER_SIZE);
	if (in->data)
		return 0;
	input_close(in);
	return error ? error : -ENOMEM;
}

static ssize_t read_file(struct input *in, char *to, size_t room)
{
	ssize_t n;

	do
		n = read(in->fd, to, room);
	while (n < 0 && errno == EINTR);
	return n;
}

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* The trace up to where its journal goes on, and then that. */
static ssize_t read_both(struct input *in, char *to, size_t room)
{
	ssize_t n = in->file_left ? read_file(in, to, smaller(in->file_left, room)) : 0;

	if (n > 0)
		in->file_left -= (uint64_t)n;
	if (n)
		return n;
	in->file_left = 0;
	if (in->rest_taken == in->rest.len)
		return 0;
	room = smaller(in->rest.len - in->rest_taken, room);
	memcpy(to, in->rest.text + in->rest_taken, room);
	in->rest_taken += room;
	return (ssize_t)room;
}

/* Moves what is left to the front of the buffer and reads behind it. 0 or -errno. */
static int refill(struct input *in)
{
	ssize_t n;

	memmove(in->data, in->data + in->pos, in->len - in->pos);
	in->len -= in->pos;
	in->pos = 0;
	if (in->has_rest)
		n = read_both(in, in->data + in->len, BUFFER_SIZE - in->len);
	else
		n = read_file(in, in->data + in->len, BUFFER_SIZE - in->len);
	if (n < 0)
		return -errno;
	in->len += (size_t)n;
	in->ended = n == 0;
	return 0;
}

/* Gives back the pages that were read: a trace can be larger than the memory. */
static void drop_front(struct input *in)
{
	size_t done;

	if (!in->mapped || in->pos - in->dropped < 2 * (size_t)DROP_SIZE)
		return;
	done = in->pos / DROP_SIZE * DROP_SIZE - DROP_SIZE;
	madvise(in->data + in->dropped, done - in->dropped, MADV_DONTNEED);
	in->dropped = done;
}

/* Passes NUL bytes and the rest of a line that was cut. True if a line can begin here. */
static bool skip_dead(struct input *in)
{
	if (in->skipping) {
		const char *newline = memchr(in->data + in->pos, '\n', in->len - in->pos);

		in->pos = newline ? (size_t)(newline + 1 - in->data) : in->len;
		if (!newline)
			return false;
		in->skipping = false;
		in->lines++;
	}
	for (; in->pos < in->len && in->data[in->pos] == '\0'; in->pos++)
		in->nuls = true;
	return in->pos < in->len;
}

/* What the line that begins here is; false if that takes more text than there is. */
static bool find_line(struct input *in, struct line *line)
{
	const char *text = in->data + in->pos, *newline, *nul;
	size_t room = in->len - in->pos;

	if (room > INPUT_LINE_MAX)
		room = INPUT_LINE_MAX;
	newline = memchr(text, '\n', room);
	if (!newline && room < INPUT_LINE_MAX && !in->ended)
		return false;
	*line = (struct line){
		.text = text,
		.len = newline ? (size_t)(newline - text) : room,
		.number = in->lines + 1,
		.after_nuls = in->nuls,
	};
	nul = memchr(text, '\0', line->len);
	if (nul) {
		line->len = (size_t)(nul - text);
		return true;
	}
	line->finished = newline != NULL;
	line->cut = in->skipping = !newline && room == INPUT_LINE_MAX;
	return true;
}

int input_next(struct input *in, struct line *line)
{
	while (!skip_dead(in) || !find_line(in, line)) {
		int error;

		if (in->ended)
			return 0;
		error = refill(in);
		if (error)
			return error;
	}
	in->pos += line->len;
	if (line->finished) {
		in->pos++;
		in->lines++;
	}
	in->nuls = false;
	drop_front(in);
	return 1;
}

void input_close(struct input *in)
{
	if (in->mapped)
		munmap(in->data, in->len);
	else
		free(in->data);
	if (in->fd > STDERR_FILENO)
		close(in->fd);
	if (in->has_rest)
		recovery_free(&in->rest);
	*in = (struct input){.fd = -1};
}
