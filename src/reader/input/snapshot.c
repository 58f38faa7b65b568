/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See snapshot.h. The process may be alive and go on: it records, writes to the
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
 */
#include "snapshot.h"
#include "journal_beside.h"
#include "read_at.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The number of snapshots of a process that never rests. */
#define SNAPSHOT_TRIES 10

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
static int copy_all(struct snapshot *s, int trace)
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
	       journal_beside_is_possible(&s->later);
}

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits until the process says that it has written up to the trace's size. */
static bool has_passed(struct snapshot *s)
{
	for (int i = 0; i < 20; i++) {
		if (journal_beside_offset(&s->header, s->later.tail) >= (uint64_t)s->trace.st_size)
			return true;
		pause_shortly();
		if (journal_beside_numbers(s->fd, &s->later) != 0)
			return false;
	}
	return false;
}

/* One try of snapshot_take(). A *FAULT may be gone at the next try. */
static int take_once(struct snapshot *s, int trace, const char **fault)
{
	int error;

	*fault = journal_beside_is_possible(&s->header) ? NULL : "its positions can not be";
	if (*fault)
		return 0;
	error = copy_all(s, trace);
	if (!error)
		error = journal_beside_numbers(s->fd, &s->later);
	if (error)
		return error;
	s->at_rest = s->before.st_size == s->trace.st_size && s->later.tail == s->tail;
	s->is_sound = s->at_rest || has_passed(s);
	*fault = went_on(s) ? NULL : "it was rewritten while it was read";
	return 0;
}

int snapshot_take(struct snapshot *s, int trace, const char **fault)
{
	for (int tries = 0; tries < SNAPSHOT_TRIES; tries++) {
		int error;

		if (tries && *fault)
			pause_shortly();
		*fault = journal_beside_check(s->fd, trace, &s->header);
		if (*fault || !s->header.magic)
			return 0;
		error = take_once(s, trace, fault);
		if (error || (!*fault && s->is_sound))
			return error;
	}
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	free(s->early);
	s->early = s->ring = NULL;
}
