/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See source.h. */
#include "source.h"
#include "next_file.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often a reader that waits looks whether it has to stop. */
enum { STOP_MS = 100 };

static size_t smaller(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* Is the reader told to stop? */
static bool is_stopped(struct source *source)
{
	source->is_stopped |= source->stop && *source->stop;
	return source->is_stopped;
}

/* A pipe may have nothing for a long time. False if the reader was told to stop. */
static bool wait_for_data(struct source *source)
{
	struct pollfd pipe = {.fd = source->fd, .events = POLLIN};

	while (!is_stopped(source)) {
		if (!source->stop || source->size || poll(&pipe, 1, STOP_MS) != 0)
			return !is_stopped(source);
	}
	return false;
}

static ssize_t read_file(struct source *source, char *to, size_t room)
{
	ssize_t n;

	room = smaller(source->file_left, room);
	if (!room)
		return 0;
	do {
		if (!wait_for_data(source))
			return 0;
		n = read(source->fd, to, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	source->used += (uint64_t)n;
	if (source->file_left != UINT64_MAX) {
		source->file_left -= (uint64_t)n;
		source->is_short = n == 0;
	}
	return n;
}

/* Reads the file's bytes as they are. An unpack_supply. */
static ssize_t read_raw(void *owner, char *to, size_t room)
{
	struct source *source = owner;
	size_t ahead = source->first_len - source->first_used;

	if (!ahead)
		return read_file(source, to, room);
	ahead = smaller(ahead, room);
	memcpy(to, source->first + source->first_used, ahead);
	source->first_used += ahead;
	return (ssize_t)ahead;
}

/* Reads the trace up to where the journal continues it, then the journal's text. */
static ssize_t read_both(struct source *source, char *to, size_t room)
{
	ssize_t n = read_raw(source, to, room);

	if (n)
		return n;
	room = smaller(source->rest.len - source->rest_taken, room);
	if (!room)
		return 0;
	memcpy(to, source->rest.text + source->rest_taken, room);
	source->rest_taken += room;
	return (ssize_t)room;
}

/* Reads the first bytes, which tell the format. A pipe may give them one by one. 0 or -errno. */
static int look_at_first(struct source *source)
{
	enum unpack_format format;
	ssize_t n;

	while (source->first_len < sizeof source->first &&
	       (n = read_file(source, source->first + source->first_len, sizeof source->first - source->first_len))) {
		if (n < 0)
			return (int)n;
		source->first_len += (size_t)n;
	}
	format = unpack_recognize(source->first, source->first_len);
	return format == UNPACK_PLAIN ? 0 : unpack_create(&source->unpack, format, read_raw, source);
}

/* Looks for a journal beside the trace. 0 or -errno. */
static int look_for_rest(struct source *source, const struct diag *diag)
{
	int found = recovery_find(&source->rest, source->fd, source->name, RECOVERY_LEAVE_OUT, diag);

	if (found < 0)
		return found;
	source->has_rest = found > 0;
	if (source->has_rest) {
		source->first_len = smaller(source->rest.size, source->first_len);
		source->file_left = source->rest.size - source->first_len;
	}
	return 0;
}

static int start(struct source *source, bool named, const struct diag *diag)
{
	struct stat st;
	int error;

	if (fstat(source->fd, &st) != 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	/* Files in /proc claim to be regular and empty, whatever they contain. */
	if (S_ISREG(st.st_mode))
		source->size = (uint64_t)st.st_size;
	/* Standard input is read from its present position, which may not be the file's start. */
	/* Before anything is read: a process that ends meanwhile ran at the moment that is read of. */
	source->is_owned = source->size && process_holds_lock(source->fd);
	source->file_left = named && source->size ? source->size : UINT64_MAX;
	error = look_at_first(source);
	return error || source->unpack || !named ? error : look_for_rest(source, diag);
}

int source_open(struct source *source, const char *path, const struct diag *diag)
{
	bool named = strcmp(path, "-") != 0;
	int error;

	*source = (struct source){.name = named ? path : "standard input", .fd = STDIN_FILENO};
	if (named)
		source->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (source->fd < 0)
		return -errno;
	error = start(source, named, diag);
	if (error)
		source_close(source);
	return error;
}

void source_open_text(struct source *source, const char *name, char *text, size_t len)
{
	*source = (struct source){.name = name, .fd = -1, .rest = {.text = text, .len = len}, .has_rest = true};
}

static ssize_t read_once(struct source *source, char *to, size_t room)
{
	if (is_stopped(source))
		return 0;
	if (source->unpack)
		return unpack_read(source->unpack, to, room);
	return source->has_rest ? read_both(source, to, room) : read_raw(source, to, room);
}

/* ---- files that grow ------------------------------------------------------ */

/*
 * Finds what file and journal have behind the position now. What is not in the file by then is still in the journal,
 * up to the first record that is not whole. 1 if there is something, 0, or -errno.
 */
static int look_again(struct source *source)
{
	uint64_t end, behind;
	struct stat st;
	int found;

	if (source->has_rest)
		recovery_free(&source->rest);
	found = recovery_find(&source->rest, source->fd, source->name,
	                      source->is_last ? RECOVERY_LEAVE_OUT : RECOVERY_STOP, NULL);
	source->has_rest = found > 0;
	if (found < 0 || fstat(source->fd, &st) != 0)
		return found < 0 ? found : -errno;
	source->size = (uint64_t)st.st_size;
	end = source->has_rest ? source->rest.size : source->size;
	behind = source->position > end ? source->position - end : 0;
	source->rest_taken = smaller(behind, source->rest.len);
	source->file_left = end > source->position ? end - source->position : 0;
	if (source->file_left && lseek(source->fd, (off_t)source->position, SEEK_SET) < 0)
		return -errno;
	return source->file_left || source->rest_taken < source->rest.len;
}

/*
 * The file was read to its end. If the process goes on in another one, which has the name now, that one is read on.
 * Files that came and went meanwhile are passed over: the new one begins with what is live.
 */
static bool takes_next_file(struct source *source)
{
	int fd = next_file_open(source->fd, source->name);

	if (fd < 0)
		return false;
	close(source->fd);
	source->fd = fd;
	source->position = 0;
	return true;
}

static ssize_t read_followed(struct source *source, char *to, size_t room)
{
	ssize_t n;

	while ((n = read_once(source, to, room)) == 0 && !source->is_stopped) {
		int more;

		if (source->is_over)
			return 0;
		/* Nobody writes any more: this finds all that there is. */
		source->is_over = source->is_last;
		more = look_again(source);
		if (more < 0)
			return more;
		if (!more && takes_next_file(source)) {
			source->is_last = source->is_over = false;
			continue;
		}
		if (more || source->is_last)
			continue;
		/* What was written in the meantime has to be looked for once more. */
		source->is_last = !source->follow.wait(source->follow.context);
	}
	if (n > 0)
		source->position += (uint64_t)n;
	return n;
}

int source_follow(struct source *source, const struct source_follow *follow)
{
	struct stat st;

	if (fstat(source->fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || source->unpack)
		return 0;
	if (source->has_rest)
		recovery_free(&source->rest);
	source->has_rest = false;
	source->first_used = source->first_len;
	source->file_left = source->used = 0;
	source->follow = *follow;
	return 0;
}

ssize_t source_read(struct source *source, char *to, size_t room)
{
	return source->follow.wait ? read_followed(source, to, room) : read_once(source, to, room);
}

const char *source_fault(const struct source *source)
{
	const char *fault = source->unpack ? unpack_fault(source->unpack) : NULL;

	if (source->is_stopped)
		return "reading was interrupted here";
	return fault || !source->is_short ? fault : "the file became shorter while it was read";
}

void source_close(struct source *source)
{
	if (source->fd > STDERR_FILENO)
		close(source->fd);
	unpack_destroy(source->unpack);
	if (source->has_rest)
		recovery_free(&source->rest);
	*source = (struct source){.fd = -1};
}
