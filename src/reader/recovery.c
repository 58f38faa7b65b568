/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See recovery.h. The process may be alive: it goes on recording, writing to
 * the trace, and using the ring again meanwhile. So the ring is copied first
 * and the trace's size asked for behind that: what the trace had not got by
 * then was still in the ring. A size that is asked for in the middle of a write
 * may lie in the middle of a record: then one waits until the process says
 * that this is written. And a record counts only if it was whole before the
 * copy that its text is taken from was begun.
 */
#include "recovery.h"
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* So often a process that never rests is looked at. */
#define SNAPSHOT_TRIES 10

struct snapshot {
	int fd;
	struct lm_journal_header header; /* as of before the rings were copied */
	uint64_t tail;                   /* the same */
	uint64_t head;                   /* where the stream ended before they were begun, or later */
	unsigned char *early, *ring;     /* the ring, twice */
	struct stat before, trace;       /* the trace, before the copies and after */
	struct lm_journal_header later;  /* as of after all that */
	bool at_rest;                    /* nothing was written out meanwhile */
};

/* ---- the file ------------------------------------------------------------------- */

/* Reads exactly LEN bytes; 0, or -errno, with -ENODATA for fewer. */
static int read_at(int fd, void *to, size_t len, off_t from)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, (char *)to + done, len - done, from + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		done += (size_t)n;
	}
	return 0;
}

/* The trace's own name, whatever links it was opened through; the tracker goes by it. */
static void real_path(char *path, size_t size, int trace)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", trace);
	n = readlink(link, path, size - 1);
	path[n > 0 ? n : 0] = '\0';
}

/*
 * A descriptor of the journal, or -errno; -ENOENT if neither of the trace's
 * names has one. Its path, too, which the caller frees; NULL if there is none.
 */
static int open_journal(int trace, const char *path, char **journal)
{
	char real[PATH_MAX];
	const char *const names[] = {path, real};

	real_path(real, sizeof real, trace);
	*journal = NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names && *names[i]; i++) {
		int fd;

		if (asprintf(journal, "%s%s", names[i], LM_JOURNAL_SUFFIX) < 0) {
			*journal = NULL;
			return -ENOMEM;
		}
		/* Opening a FIFO of that name would wait. */
		fd = open(*journal, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT && errno != ENAMETOOLONG)
			return -errno;
		free(*journal);
		*journal = NULL;
	}
	return -ENOENT;
}

/* What is wrong with the file; or NULL and its header, zeros if its process has not got further than to make it. */
static const char *read_header(int fd, struct lm_journal_header *header)
{
	struct stat st;
	int error;

	memset(header, 0, sizeof *header);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return "it is no regular file";
	error = read_at(fd, header, sizeof *header, 0);
	if (error && error != -ENODATA)
		return strerror(-error);
	if (header->magic != LM_JOURNAL_MAGIC && header->magic != 0)
		return "it is no journal of a trace";
	if ((uint64_t)st.st_size != LM_JOURNAL_SIZE && (header->magic || st.st_size != 0))
		return "it has another size than a journal";
	return NULL;
}

/* ---- does it belong to the trace ------------------------------------------------- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Of what was in the ring before it was copied, the end. */
static uint64_t ring_end(const struct snapshot *s)
{
	uint64_t limit = s->tail + LM_JOURNAL_RING;

	return s->header.end ? smaller(s->header.end & ~LM_JOURNAL_SEALED, limit) : s->head;
}

/* Are the LEN bytes at POSITION the trace's? What was written may be on its way to be zeros. */
static bool is_in_trace(const struct snapshot *s, int trace, uint64_t position, uint64_t len)
{
	char bytes[4096];

	while (len) {
		size_t n = (size_t)smaller(len, sizeof bytes);

		if (read_at(trace, bytes, n, (off_t)(s->header.base + position)) != 0)
			return false;
		for (size_t i = 0; i < n; i++) {
			unsigned char byte = lm_journal_byte(s->ring, position + i);

			if (byte && byte != (unsigned char)bytes[i])
				return false;
		}
		position += n;
		len -= n;
	}
	return true;
}

/* What both have has to be the same: a trace may have been written anew without a journal, into the same file. */
static bool agrees(const struct snapshot *s, int trace, uint64_t position)
{
	struct lm_journal_piece piece;

	for (uint64_t at = s->tail; lm_journal_next(s->ring, at, position, &piece); at += piece.length) {
		if (!piece.is_gap && !is_in_trace(s, trace, piece.position, piece.length))
			return false;
	}
	return true;
}

/*
 * How much of the stream the trace has, into POSITION, and up to where the ring
 * has it, into END. What is wrong with that, or NULL.
 */
static const char *locate(const struct snapshot *s, int trace, uint64_t *position, uint64_t *end)
{
	static const char mismatch[] = "it does not belong to the trace as it is now";
	const struct stat *now = &s->trace;

	if (s->tail > INT64_MAX || s->tail > ring_end(s) || (uint64_t)now->st_size < s->header.base ||
	    (uint64_t)now->st_size - s->header.base < s->tail)
		return mismatch;
	*position = s->at_rest ? (uint64_t)now->st_size - s->header.base : s->later.tail;
	*end = ring_end(s);
	if (*position > *end) {
		/* What follows a sealed ring was written past it; and a process that lives can have come further. */
		if (s->at_rest && !s->header.end && *end > s->tail)
			return mismatch;
		*end = *position;
		return NULL;
	}
	return !s->at_rest || agrees(s, trace, *position) ? NULL : mismatch;
}

/* ---- what is taken --------------------------------------------------------------- */

/* The place of a record of LEN bytes, as a line of information that says nothing. */
static void fill(char *to, uint64_t len)
{
	memset(to, ' ', len);
	*to = '#';
	to[len - 1] = '\n';
}

/* A piece can go on at the ring's begin. */
static void copy(char *to, const struct snapshot *s, const struct lm_journal_piece *piece)
{
	size_t from = piece->position % LM_JOURNAL_RING;
	size_t first = (size_t)smaller(piece->length, LM_JOURNAL_RING - from);

	memcpy(to, s->ring + from, first);
	memcpy(to + first, s->ring, (size_t)piece->length - first);
}

static int take(struct recovery *recovery, const struct snapshot *s, uint64_t position, uint64_t end,
                enum recovery_gaps gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = position;

	recovery->text = malloc(end - position + 1);
	if (!recovery->text)
		return -ENOMEM;
	for (; lm_journal_next(s->ring, at, end, &piece); at += piece.length) {
		char *to = recovery->text + recovery->len;

		/* Where the trace ends in the middle of a record, that is one that was whole. */
		if ((at != position || !s->at_rest) && lm_journal_byte(s->early, at) <= LM_JOURNAL_PENDING)
			piece.is_gap = 1;
		if (!piece.is_gap)
			copy(to, s, &piece);
		else if (gaps == RECOVERY_FILL)
			fill(to, piece.length);
		else
			continue;
		recovery->len += piece.length;
	}
	return 0;
}

/* Copies everything in the order that it takes, see above. 0 or -errno; -ENOENT if the journal was removed. */
static int take_snapshot(struct snapshot *s, int trace)
{
	struct stat journal;
	int error;

	s->tail = s->header.tail;
	if (!s->early)
		s->early = malloc(2 * LM_JOURNAL_RING);
	if (!s->early)
		return -ENOMEM;
	s->ring = s->early + LM_JOURNAL_RING;
	if (fstat(trace, &s->before) != 0)
		return -errno;
	error = read_at(s->fd, s->early, LM_JOURNAL_RING, LM_JOURNAL_HEADER);
	if (error)
		return error;
	s->head = lm_journal_end(s->early, s->tail, s->tail + LM_JOURNAL_RING);
	error = read_at(s->fd, s->early, LM_JOURNAL_RING, LM_JOURNAL_HEADER);
	if (!error)
		error = read_at(s->fd, s->ring, LM_JOURNAL_RING, LM_JOURNAL_HEADER);
	if (error)
		return error;
	if (fstat(trace, &s->trace) != 0 || fstat(s->fd, &journal) != 0)
		return -errno;
	return journal.st_nlink ? 0 : -ENOENT;
}

/* Waits until the process says that the trace has what it was seen to have. */
static bool has_passed(struct snapshot *s)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < 20; i++) {
		if (s->header.base + s->later.tail >= (uint64_t)s->trace.st_size)
			return true;
		nanosleep(&pause, NULL);
		if (read_at(s->fd, &s->later, sizeof s->later, 0) != 0)
			return false;
	}
	return false;
}

/* A snapshot that can be made sense of: 0 or -errno as take_snapshot(). What is wrong with the file, into FAULT. */
static int take_sound_snapshot(struct snapshot *s, int trace, const char **fault)
{
	int error = 0;

	for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
		*fault = read_header(s->fd, &s->header);
		if (*fault || !s->header.magic)
			return 0;
		error = take_snapshot(s, trace);
		if (!error)
			error = read_at(s->fd, &s->later, sizeof s->later, 0);
		if (error)
			return error;
		s->at_rest = s->before.st_size == s->trace.st_size && s->later.tail == s->tail;
		if (s->at_rest || has_passed(s))
			break;
	}
	return 0;
}

static int read_journal(struct recovery *recovery, struct snapshot *s, int trace, enum recovery_gaps gaps,
                        const char **fault)
{
	uint64_t position = 0, end = 0;
	int error = take_sound_snapshot(s, trace, fault);

	/* A journal that was removed just now: the trace has everything. */
	if (*fault || error == -ENOENT)
		return 0;
	if (error == -ENOMEM)
		return error;
	if (!error && !s->header.magic) {
		/* It was not begun, and has nothing. */
		error = fstat(trace, &s->trace) == 0 ? 0 : -errno;
		recovery->size = (uint64_t)s->trace.st_size;
		return error ? error : 1;
	}
	*fault = error ? strerror(-error) : locate(s, trace, &position, &end);
	if (*fault)
		return 0;
	recovery->size = s->header.base + position;
	recovery->pid = s->header.pid;
	error = take(recovery, s, position, end, gaps);
	return error ? error : 1;
}

int recovery_find(struct recovery *recovery, int trace, const char *path, enum recovery_gaps gaps,
                  const struct diag *diag)
{
	struct snapshot s = {.fd = -1};
	const char *fault = NULL;
	struct stat st;
	int found = 0;

	*recovery = (struct recovery){.file = -1};
	if (fstat(trace, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	s.fd = recovery->file = open_journal(trace, path, &recovery->journal);
	if (s.fd >= 0)
		found = read_journal(recovery, &s, trace, gaps, &fault);
	else if (s.fd == -ENOMEM)
		found = -ENOMEM;
	else if (s.fd != -ENOENT)
		fault = strerror(-s.fd);
	if (fault)
		diag_report(diag, recovery->journal, 0, "left out: %s", fault);
	free(s.early);
	if (found != 1)
		recovery_free(recovery);
	return found;
}

void recovery_free(struct recovery *recovery)
{
	if (recovery->journal && recovery->file >= 0)
		close(recovery->file);
	free(recovery->journal);
	free(recovery->text);
	*recovery = (struct recovery){.journal = NULL};
}

void recovery_discard(int trace, const char *path)
{
	struct lm_journal_header header;
	char *journal = NULL;
	struct stat st;
	int fd;

	if (fstat(trace, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	while ((fd = open_journal(trace, path, &journal)) >= 0) {
		bool removed = !read_header(fd, &header) && unlink(journal) == 0;

		close(fd);
		free(journal);
		if (!removed)
			return;
	}
	free(journal);
}
