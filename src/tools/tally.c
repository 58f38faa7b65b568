/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tally.h. */
#include "tally.h"
#include "hash.h"
#include "missing.h"
#include "trace_format.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (1 << 18)
#define INIT  "+ " LM_TRACE_INIT " "
#define FINI  "+ " LM_TRACE_FINI " "
#define EXE   "# " LM_TRACE_EXE " "
#define LOST  "# " LM_TRACE_LOST " "

/* So many bytes at the beginning of a line tell INIT and FINI from other lines. */
enum { HEAD = sizeof INIT - 1 };

/* For smaller traces the compact format is not worth a hint. */
#define LARGE ((off_t)256 << 20)

/* A table of the backtraces that were seen. When it is full, each further backtrace counts as new. */
enum { SEEN_SIZE = 1 << 20, SEEN_MAX = SEEN_SIZE / 4 * 3 };

struct count {
	struct tally *tally;
	char *held;      /* CHUNK bytes: what was read and not counted yet. It begins at the beginning of a line. */
	size_t length;   /* bytes in HELD */
	bool is_counted; /* HELD begins in a line that was longer than CHUNK and is counted already */
	bool in_event;   /* the next lines are frames of an event */
	uint64_t hash;   /* of its frames so far */
	uint64_t bytes;  /* that they take */
	/* Only for large traces: */
	uint64_t *seen; /* hashes of backtraces; 0: an empty place. NULL: nothing is estimated */
	size_t distinct;
	int64_t saving;
};

/* ---- what the compact format would save ---------------------------------------------- */

static bool is_seen(struct count *count, uint64_t hash)
{
	size_t at = hash & (SEEN_SIZE - 1);

	for (; count->seen[at]; at = (at + 1) & (SEEN_SIZE - 1)) {
		if (count->seen[at] == hash)
			return true;
	}
	if (count->distinct < SEEN_MAX) {
		count->seen[at] = hash;
		count->distinct++;
	}
	return false;
}

static int64_t digits(size_t number)
{
	int64_t n = 1;

	while (number /= 10)
		n++;
	return n;
}

/*
 * The frames of an event end here. The compact format would have " bt=N" in the
 * event's line instead, and the frames once, below "# BACKTRACE N".
 */
static void end_frames(struct count *count)
{
	if (!count->bytes)
		return;
	if (is_seen(count, count->hash ? count->hash : 1))
		count->saving += (int64_t)count->bytes;
	else
		count->saving -= (int64_t)strlen("# " LM_TRACE_BACKTRACE " \n") + digits(count->distinct);
	count->saving -= (int64_t)strlen(" " LM_TRACE_BT "=") + digits(count->distinct);
	count->bytes = count->hash = 0;
}

static void count_frame(struct count *count, const char *line, size_t len)
{
	count->hash = hash_mix(count->hash + hash_bytes(line, len));
	count->bytes += len + 1;
}

/* If the path is too long, its end is kept: that tells more than its beginning. */
static void take_exe(struct tally *tally, const char *path, size_t len)
{
	size_t room = sizeof tally->exe - 1, skip = len > room ? len - room : 0;

	memcpy(tally->exe, path + skip, len - skip);
	tally->exe[len - skip] = '\0';
}

static void take_lost(struct tally *tally, const char *number, size_t len)
{
	uintmax_t lost = 0;

	for (; len && *number >= '0' && *number <= '9'; number++, len--)
		lost = 10 * lost + (uintmax_t)(*number - '0');
	tally->lost += lost;
}

/* ---- lines -------------------------------------------------------------------------- */

static void count_line(struct count *count, const char *line, size_t len)
{
	bool is_record = len && (line[0] == '+' || line[0] == '#');

	if (count->seen && is_record)
		end_frames(count);
	else if (count->seen && count->in_event && len)
		count_frame(count, line, len);
	if (!is_record)
		return;
	count->in_event = false;
	if (len > sizeof EXE - 1 && memcmp(line, EXE, sizeof EXE - 1) == 0)
		take_exe(count->tally, line + sizeof EXE - 1, len - (sizeof EXE - 1));
	if (len > sizeof LOST - 1 && memcmp(line, LOST, sizeof LOST - 1) == 0)
		take_lost(count->tally, line + sizeof LOST - 1, len - (sizeof LOST - 1));
	if (len < 2 || line[0] != '+' || line[1] != ' ')
		return;
	if (len >= HEAD && memcmp(line, INIT, HEAD) == 0) {
		count->tally->starts++;
		count->tally->finished = false;
	} else if (len >= HEAD && memcmp(line, FINI, HEAD) == 0) {
		count->tally->finished = true;
	} else {
		count->in_event = true;
	}
	count->tally->events += count->in_event;
}

/* Counts the complete lines of what is held. The last, incomplete one moves to the front. */
static void count_lines(struct count *count)
{
	const char *line = count->held, *end = line + count->length, *newline;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		/* A line that was longer than the buffer has been counted already. */
		if (!count->is_counted)
			count_line(count, line, (size_t)(newline - line));
		count->is_counted = false;
		line = newline + 1;
	}
	count->length = (size_t)(end - line);
	memmove(count->held, line, count->length);
	if (count->length < CHUNK && !count->is_counted)
		return;
	if (!count->is_counted)
		count_line(count, count->held, count->length);
	count->is_counted = true;
	count->length = 0;
}

static int count_file(struct count *count, int fd, off_t start)
{
	ssize_t n;

	while ((n = pread(fd, count->held + count->length, CHUNK - count->length, start)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		start += n;
		count->tally->bytes += (uintmax_t)n;
		count->length += (size_t)n;
		count_lines(count);
	}
	return n < 0 ? errno : 0;
}

static void count_text(struct count *count, const char *text, size_t len)
{
	while (len) {
		size_t room = CHUNK - count->length, n = len < room ? len : room;

		memcpy(count->held + count->length, text, n);
		count->length += n;
		text += n;
		len -= n;
		count_lines(count);
	}
}

int tally_file(int fd, off_t start, const char *text, size_t len, struct tally *tally)
{
	struct count count = {.tally = tally, .held = malloc(CHUNK)};
	struct stat st;
	int error;

	memset(tally, 0, sizeof *tally);
	if (!count.held)
		return ENOMEM;
	if (fstat(fd, &st) == 0 && st.st_size - start > LARGE)
		count.seen = calloc(SEEN_SIZE, sizeof *count.seen);
	error = count_file(&count, fd, start);
	count_text(&count, text, len);
	/* If the process was killed, the last line may be incomplete. */
	if (!count.is_counted)
		count_line(&count, count.held, count.length);
	if (count.seen)
		end_frames(&count);
	if (count.saving > 0)
		tally->saving = (uintmax_t)count.saving;
	free(count.seen);
	free(count.held);
	missing_find(fd, tally);
	return error;
}
