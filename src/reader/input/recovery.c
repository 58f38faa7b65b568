/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See recovery.h. Nothing in a journal is believed: whoever owns the trace can write anything there. Copies of both
 * files are another matter (copied.h).
 */
#include "recovery.h"
#include "copied.h"
#include "copied_record.h"
#include "escape.h"
#include "journal.h"
#include "journal_agrees.h"
#include "journal_beside.h"
#include "read_at.h"
#include "snapshot.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- does it belong to the trace ------------------------------------------------- */

/*
 * Finds the stream's first POSITION that the trace does not have, and its END in the
 * ring. Returns what is wrong, or NULL.
 */
static const char *locate(const struct snapshot *s, int trace, uint64_t *position, uint64_t *end)
{
	uint64_t size = (uint64_t)s->trace.st_size;

	if (size < journal_beside_offset(&s->header, s->tail) || s->tail > s->head)
		return JOURNAL_BESIDE_MISMATCH;
	*position = s->at_rest ? s->header.start + (size - s->header.base) : s->later.tail;
	*end = s->head;
	if (*position > *end) {
		/* A live process may have written more meanwhile. At rest, what is written is 0 in the ring. */
		if (s->at_rest && *end > s->tail)
			return JOURNAL_BESIDE_MISMATCH;
		*end = *position;
		return NULL;
	}
	return !s->at_rest || journal_agrees(&s->header, s->ring, trace, *position) ? NULL : JOURNAL_BESIDE_MISMATCH;
}

/* ---- copies ------------------------------------------------------------------------ */

/* What to do about it that copies do not fit together. */
#define ADVICE "; of a process that runs, copy the journal first, then the trace"

/* The journal, or its end, is of no use. */
static void tell_cut(const struct copied_rest *rest, const char *journal, const struct diag *diag)
{
	if (rest->is_apart)
		diag_report(diag, journal, 0,
		            "left out: " JOURNAL_BESIDE_MISMATCH ": the %" PRIu64
		            " bytes in front of it are in neither file" ADVICE,
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
		*fault = JOURNAL_BESIDE_MISMATCH ADVICE;
	else if (!copied_agree(&copied))
		*fault = JOURNAL_BESIDE_MISMATCH;
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
	size_t at_end = LM_JOURNAL_RING - from, first = piece->length < at_end ? (size_t)piece->length : at_end;

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

static int read_journal(struct recovery *recovery, struct snapshot *s, int trace, enum recovery_gaps gaps,
                        const struct diag *diag, const char **fault)
{
	uint64_t position = 0, end = 0;
	int error = snapshot_take(s, trace, fault);

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
	if (!error && !journal_beside_names(&s->header, &s->trace))
		return join_copies(recovery, s, trace, gaps, diag, fault);
	if (error)
		*fault = error == -ENODATA ? "it became shorter while it was read" : strerror(-error);
	else
		*fault = locate(s, trace, &position, &end);
	if (*fault)
		return 0;
	recovery->size = journal_beside_offset(&s->header, position);
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
	s.fd = recovery->file = journal_beside_open(trace, path, O_RDONLY, &recovery->journal);
	if (s.fd >= 0)
		found = read_journal(recovery, &s, trace, gaps, diag, &fault);
	else if (s.fd == -ENOMEM)
		found = -ENOMEM;
	else if (s.fd != -ENOENT)
		fault = journal_beside_fault(-s.fd);
	if (fault)
		diag_report(diag, recovery->journal, 0, "left out: %s", fault);
	snapshot_free(&s);
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
