/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See recovery.h. The process may be alive and go on: it records, writes to the
 * trace, and uses the ring again. So the order of the steps matters:
 *
 * 1. The ring is copied. Whatever has to be known is in one of the copies.
 * 2. Then the trace's size is read. What the trace did not have by then was still
 *    in the ring when that was copied.
 * 3. The size may lie in the middle of a record, if the process is writing just
 *    then. So the reader waits until the process says that it has written that far.
 *
 * A record counts only if it was whole before the copy began from which its text
 * is taken. So there are two copies: EARLY tells what was whole, RING has the text.
 *
 * Copies of both files are another matter (copied.h).
 *
 * The journal is read and never mapped, so it can be cut at any time without harm.
 * Nothing in it is believed: whoever owns the trace can write anything there.
 */
#include "recovery.h"
#include "copied.h"
#include "escape.h"
#include "journal.h"
#include "read_at.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The number of snapshots of a process that never rests. */
#define SNAPSHOT_TRIES 10

struct snapshot {
	int fd;
	struct lm_journal_header header; /* read before the ring was copied */
	uint64_t tail;                   /* of that header */
	uint64_t head;                   /* the end of the stream before the copies began, or later */
	unsigned char *early, *ring;     /* two copies of the ring, one after the other */
	struct stat before, trace;       /* the trace before the copies and after them */
	struct lm_journal_header later;  /* read last */
	struct lm_journal_trailer trailer;
	bool at_rest;  /* the process wrote nothing to the trace meanwhile */
	bool is_sound; /* the process says that it has written up to the trace's size */
};

/* ---- the file ------------------------------------------------------------------- */

/* The trace's real name, without links. The tracker names the journal after it. */
static void real_path(char *path, size_t size, int trace)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", trace);
	n = readlink(link, path, size - 1);
	path[n > 0 ? n : 0] = '\0';
}

/*
 * Opens the journal as ACCESS says by the name that the trace was opened by, or else by its real
 * name. Returns a descriptor or -errno; -ENOENT if there is no journal. *JOURNAL is
 * its path, which the caller frees, or NULL.
 */
static int open_journal(int trace, const char *path, int access, char **journal)
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
		/* Without O_NONBLOCK, opening a FIFO of that name would wait. */
		fd = open(*journal, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT && errno != ENAMETOOLONG)
			return -errno;
		free(*journal);
		*journal = NULL;
	}
	return -ENOENT;
}

/* A message for the errno with which opening a journal failed. */
static const char *open_fault(int error)
{
	return error == ELOOP ? "it is a symbolic link" : strerror(error);
}

/*
 * Checks that nobody but the trace's owner can have written the journal: others
 * may be allowed to make files in its directory. Returns what is wrong, or NULL.
 */
static const char *check_owner(const struct stat *journal, const struct stat *trace)
{
	if (!S_ISREG(journal->st_mode))
		return "it is no regular file";
	if (journal->st_uid != trace->st_uid)
		return "it belongs to another user than the trace";
	if (journal->st_nlink > 1)
		return "it has more than one name";
	if (journal->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner can write to it";
	return NULL;
}

/* No tracker reaches such positions. Refusing them also means that sums can't overflow. */
static bool has_impossible_positions(const struct lm_journal_header *header)
{
	const uint64_t most = INT64_MAX / 4;

	return header->base > most || header->tail > most || header->start > header->tail;
}

/* Reads the header of the journal FD into HEADER, as this machine's numbers. 0 or -errno, as read_at(). */
static int read_numbers(int fd, struct lm_journal_header *header)
{
	int error = read_at(fd, header, sizeof *header, 0);

	lm_journal_header_turn(header);
	return error;
}

/*
 * Checks the journal that is open as FD and reads its header. Returns what is wrong,
 * or NULL. The header is all zeros if the process has only made the file so far.
 */
static const char *read_header(int fd, int trace, struct lm_journal_header *header)
{
	struct stat st, of_trace;
	const char *fault;
	int error;

	memset(header, 0, sizeof *header);
	if (fstat(fd, &st) != 0 || fstat(trace, &of_trace) != 0)
		return strerror(errno);
	fault = check_owner(&st, &of_trace);
	if (fault)
		return fault;
	error = read_numbers(fd, header);
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

/* The offset in the trace that POSITION of the stream has. */
static uint64_t in_trace(const struct lm_journal_header *header, uint64_t position)
{
	return header->base + (position - header->start);
}

/*
 * Does the trace have the same LEN bytes at POSITION as the ring? Bytes of the ring
 * that are 0 don't count: the process may have been zeroing what it had written.
 */
static bool is_in_trace(const struct snapshot *s, int trace, uint64_t position, uint64_t len)
{
	char bytes[4096];

	while (len) {
		size_t n = (size_t)smaller(len, sizeof bytes);

		if (read_at(trace, bytes, n, (off_t)in_trace(&s->header, position)) != 0)
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

/* Compares what both the trace and the ring have. It differs if the trace was written anew without a journal. */
static bool agrees(const struct snapshot *s, int trace, uint64_t position)
{
	struct lm_journal_piece piece;

	for (uint64_t at = s->tail; lm_journal_next(s->ring, at, position, s->header.packed != 0, &piece);
	     at += piece.length) {
		if (!piece.is_gap && !is_in_trace(s, trace, piece.position, piece.length))
			return false;
	}
	return true;
}

/* Does the journal name the trace's device and inode? If both files were copied, it does not. */
static bool names_trace(const struct snapshot *s)
{
	return s->header.device == s->trace.st_dev && s->header.inode == s->trace.st_ino;
}

/* For copies: what is wrong, and what to do about it. */
#define MISMATCH "it does not belong to the trace as it is now"
#define ADVICE   "; of a process that runs, copy the journal first, then the trace"

/*
 * Finds the stream's first POSITION that the trace does not have, and its END in the
 * ring. Returns what is wrong, or NULL.
 */
static const char *locate(const struct snapshot *s, int trace, uint64_t *position, uint64_t *end)
{
	uint64_t size = (uint64_t)s->trace.st_size;

	if (size < in_trace(&s->header, s->tail) || s->tail > s->head)
		return MISMATCH;
	*position = s->at_rest ? s->header.start + (size - s->header.base) : s->later.tail;
	*end = s->head;
	if (*position > *end) {
		/* A live process may have written more meanwhile. At rest, what is written is 0 in the ring. */
		if (s->at_rest && *end > s->tail)
			return MISMATCH;
		*end = *position;
		return NULL;
	}
	return !s->at_rest || agrees(s, trace, *position) ? NULL : MISMATCH;
}

/* ---- copies ------------------------------------------------------------------------ */

/* The journal, or its end, is of no use. */
static void tell_cut(const struct copied_rest *rest, const char *journal, const struct diag *diag)
{
	if (rest->is_apart)
		diag_report(diag, journal, 0,
		            "left out: " MISMATCH ": the %" PRIu64 " bytes in front of it are in neither file" ADVICE,
		            rest->missing);
	else if (rest->missing)
		diag_report(diag, journal, 0,
		            "its end is left out: the %" PRIu64 " bytes in front of that are in neither file" ADVICE,
		            rest->missing);
	else
		diag_report(diag, journal, 0, "its end is left out: it changed while it was copied" ADVICE);
}

/*
 * What the copy of a journal adds to the copy of its trace. Nobody writes to these, but
 * the process may have written while they were made. 1; 0 and *FAULT; or -ENOMEM.
 */
static int join_copies(struct recovery *recovery, const struct snapshot *s, int trace, enum recovery_gaps gaps,
                       const struct diag *diag, const char **fault)
{
	const struct copied copied = {.header = &s->header,
	                              .ring = s->ring,
	                              .trace = trace,
	                              .flushed = s->trailer.flushed,
	                              .trace_size = (uint64_t)s->trace.st_size,
	                              .fill = gaps == RECOVERY_FILL};
	struct copied_rest rest;
	int error;

	/* Somebody is making the copies, or the trace ends before its process had a journal. */
	if (!s->at_rest || copied.trace_size < s->header.base)
		*fault = MISMATCH ADVICE;
	else if (!copied_agree(&copied))
		*fault = MISMATCH;
	if (*fault)
		return 0;
	error = copied_join(&copied, &rest);
	if (error)
		return error;
	recovery->text = rest.text;
	recovery->len = rest.len;
	recovery->size = rest.size;
	recovery->pid = s->header.pid;
	recovery->is_copy = true;
	if (rest.is_cut)
		tell_cut(&rest, recovery->journal, diag);
	return 1;
}

/* ---- what is taken --------------------------------------------------------------- */

/* Copies a piece, which may continue at the beginning of the ring. */
static void copy(char *to, const struct snapshot *s, const struct lm_journal_piece *piece)
{
	size_t from = piece->position % LM_JOURNAL_RING;
	size_t first = (size_t)smaller(piece->length, LM_JOURNAL_RING - from);

	memcpy(to, s->ring + from, first);
	memcpy(to + first, s->ring, (size_t)piece->length - first);
}

/*
 * The next piece, as lm_journal_next() finds it. It was whole before the text was
 * copied. A piece of a packed trace is many records, so each of its words has to have
 * been whole: it is found in the earlier copy.
 */
static int next_piece(const struct snapshot *s, uint64_t position, uint64_t at, uint64_t end,
                      struct lm_journal_piece *piece)
{
	if (s->header.packed)
		return lm_journal_next(s->early, at, end, 1, piece);
	if (!lm_journal_next(s->ring, at, end, 0, piece))
		return 0;
	/* If the trace ends in the middle of a record, that record was whole. */
	if (at != position || !s->at_rest)
		piece->is_gap |= lm_journal_is_gap(lm_journal_byte(s->early, at));
	return 1;
}

static int take(struct recovery *recovery, const struct snapshot *s, uint64_t position, uint64_t end,
                enum recovery_gaps gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = position;

	recovery->text = malloc(end - position + 1);
	if (!recovery->text)
		return -ENOMEM;
	for (; next_piece(s, position, at, end, &piece); at += piece.length) {
		char *to = recovery->text + recovery->len;

		if (!piece.is_gap)
			copy(to, s, &piece);
		else if (gaps == RECOVERY_STOP)
			break;
		else if (gaps == RECOVERY_FILL)
			copied_fill_gap(to, (size_t)piece.length, s->header.packed != 0);
		else
			continue;
		recovery->len += piece.length;
	}
	return 0;
}

/* ---- marks that were asked for ---------------------------------------------------- */

/* A mark as the process would write it, with its newline, filled up to whole words if it has to be. */
static size_t put_mark(char *to, const char *name, bool is_packed)
{
	static const char word[] = "# " LM_TRACE_MARK " ";
	size_t len = sizeof word - 1;

	memcpy(to, word, len);
	len += escape_encode(to + len, name, strnlen(name, LM_JOURNAL_NAME));
	while (is_packed && (len + 1) % LM_PACKED_WORD)
		to[len++] = ' ';
	to[len++] = '\n';
	return len;
}

/* "# MARK ", a name with each byte escaped, and blanks. */
enum { MARK_MAX = 4 * LM_JOURNAL_NAME + 32 };

/*
 * Marks that the process was asked for and has not written: they stand behind all that it has recorded. It writes them
 * in front of its next event. 0 or -ENOMEM.
 */
static int add_asked(struct recovery *recovery, const struct snapshot *s)
{
	bool is_packed = s->header.packed != 0;
	struct lm_journal_marks marks;
	uint32_t count;
	char *text;

	if (read_at(s->fd, &marks, sizeof marks, LM_JOURNAL_MARKS) != 0)
		return 0;
	count = marks.asked - marks.taken;
	if (!count || count > LM_JOURNAL_ASKS ||
	    (is_packed && (recovery->size - s->header.base + recovery->len) % LM_PACKED_WORD))
		return 0;
	text = realloc(recovery->text, recovery->len + (size_t)count * MARK_MAX);
	if (!text)
		return -ENOMEM;
	recovery->text = text;
	for (uint32_t i = marks.taken; i != marks.asked; i++)
		recovery->len += put_mark(text + recovery->len, marks.names[i % LM_JOURNAL_ASKS], is_packed);
	return 0;
}

/* ---- a snapshot ------------------------------------------------------------------- */

/* Where the stream ends in our copy of the ring. Most of that is zeros, so it is read by words. */
static uint64_t find_end(const unsigned char *ring, uint64_t tail, int is_packed)
{
	uint64_t end = tail + LM_JOURNAL_RING, word;

	for (; end > tail && end % sizeof word; end--) {
		if (lm_journal_byte(ring, end - 1))
			break;
	}
	for (; end % sizeof word == 0 && end - tail >= sizeof word; end -= sizeof word) {
		memcpy(&word, ring + (end - sizeof word) % LM_JOURNAL_RING, sizeof word);
		if (word)
			break;
	}
	return lm_journal_end(ring, tail, end, is_packed);
}

/* Copies everything in the right order, see above. 0 or -errno; -ENOENT if the journal was removed. */
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
	s->head = find_end(s->early, s->tail, s->header.packed != 0);
	error = read_at(s->fd, s->early, LM_JOURNAL_RING, LM_JOURNAL_HEADER);
	if (!error)
		error = read_at(s->fd, s->ring, LM_JOURNAL_RING, LM_JOURNAL_HEADER);
	if (!error)
		error = read_at(s->fd, &s->trailer, sizeof s->trailer, LM_JOURNAL_HEADER + LM_JOURNAL_RING);
	if (error)
		return error;
	s->trailer.flushed = lm_journal_number(s->trailer.flushed);
	if (fstat(trace, &s->trace) != 0 || fstat(s->fd, &journal) != 0)
		return -errno;
	return journal.st_nlink ? 0 : -ENOENT;
}

/* Can LATER be the header of the same journal some moments later? Somebody can rewrite the file meanwhile. */
static bool went_on(const struct snapshot *s)
{
	return s->later.base == s->header.base && s->later.start == s->header.start && s->later.tail >= s->tail &&
	       !has_impossible_positions(&s->later);
}

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits until the process says that it has written up to the trace's size. */
static bool has_passed(struct snapshot *s)
{
	for (int i = 0; i < 20; i++) {
		if (in_trace(&s->header, s->later.tail) >= (uint64_t)s->trace.st_size)
			return true;
		pause_shortly();
		if (read_numbers(s->fd, &s->later) != 0)
			return false;
	}
	return false;
}

/* One try of take_sound_snapshot(). A *FAULT may be gone at the next try. */
static int try_snapshot(struct snapshot *s, int trace, const char **fault)
{
	int error;

	*fault = has_impossible_positions(&s->header) ? "its positions can not be" : NULL;
	if (*fault)
		return 0;
	error = take_snapshot(s, trace);
	if (!error)
		error = read_numbers(s->fd, &s->later);
	if (error)
		return error;
	s->at_rest = s->before.st_size == s->trace.st_size && s->later.tail == s->tail;
	s->is_sound = s->at_rest || has_passed(s);
	*fault = went_on(s) ? NULL : "it was rewritten while it was read";
	return 0;
}

/* Takes snapshots until one is consistent. 0 or -errno as take_snapshot(). *FAULT is what is wrong, or NULL. */
static int take_sound_snapshot(struct snapshot *s, int trace, const char **fault)
{
	for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
		int error;

		if (tries && *fault)
			pause_shortly();
		*fault = read_header(s->fd, trace, &s->header);
		if (*fault || !s->header.magic)
			return 0;
		error = try_snapshot(s, trace, fault);
		if (error || (!*fault && s->is_sound))
			return error;
	}
	return 0;
}

static int read_journal(struct recovery *recovery, struct snapshot *s, int trace, enum recovery_gaps gaps,
                        const struct diag *diag, const char **fault)
{
	uint64_t position = 0, end = 0;
	int error = take_sound_snapshot(s, trace, fault);

	/* If the journal was removed just now, the trace has everything. */
	if (*fault || error == -ENOENT)
		return 0;
	if (error == -ENOMEM)
		return error;
	if (!error && !s->header.magic) {
		/* The process has only made the file: it has no records. */
		error = fstat(trace, &s->trace) == 0 ? 0 : -errno;
		recovery->size = (uint64_t)s->trace.st_size;
		return error ? error : 1;
	}
	if (!error && !names_trace(s))
		return join_copies(recovery, s, trace, gaps, diag, fault);
	if (error)
		*fault = error == -ENODATA ? "it became shorter while it was read" : strerror(-error);
	else
		*fault = locate(s, trace, &position, &end);
	if (*fault)
		return 0;
	recovery->size = in_trace(&s->header, position);
	recovery->pid = s->header.pid;
	error = take(recovery, s, position, end, gaps);
	/* Those that are to be appended to the trace are the journal's records alone. */
	if (!error && gaps == RECOVERY_LEAVE_OUT)
		error = add_asked(recovery, s);
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
	s.fd = recovery->file = open_journal(trace, path, O_RDONLY, &recovery->journal);
	if (s.fd >= 0)
		found = read_journal(recovery, &s, trace, gaps, diag, &fault);
	else if (s.fd == -ENOMEM)
		found = -ENOMEM;
	else if (s.fd != -ENOENT)
		fault = open_fault(-s.fd);
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
	while ((fd = open_journal(trace, path, O_RDONLY, &journal)) >= 0) {
		bool removed = !read_header(fd, trace, &header) && unlink(journal) == 0;

		close(fd);
		free(journal);
		if (!removed)
			return;
	}
	free(journal);
}

int recovery_open(int trace, const char *path, uint64_t *pid, const char **fault)
{
	struct lm_journal_header header;
	char *journal = NULL;
	struct stat st;
	int fd = open_journal(trace, path, O_RDWR, &journal);

	free(journal);
	*fault = NULL;
	if (fd < 0)
		return fd;
	*fault = read_header(fd, trace, &header);
	if (!*fault &&
	    (fstat(trace, &st) != 0 || !header.magic || header.device != st.st_dev || header.inode != st.st_ino))
		*fault = MISMATCH;
	*pid = header.pid;
	if (!*fault)
		return fd;
	close(fd);
	return -EINVAL;
}
