/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The file that a ring lies in: how it is made and mapped, and what becomes of
 * one that an earlier image of the process, or another process, left there.
 */
#ifndef LM_JOURNAL_FILE_H
#define LM_JOURNAL_FILE_H

#include "atomic.h"
#include "descriptor.h"
#include "journal.h"

/* Bytes of address space that a journal needs: header and ring, the ring once more, so that no record wraps, trailer.
 */
#define LM_JOURNAL_MAPPED (LM_JOURNAL_SIZE + LM_JOURNAL_RING)

/* Where the journal is, or is to be made. */
struct lm_journal_place {
	const char *path;          /* NULL: no path is known that leads to it */
	struct lm_descriptor file; /* of a file that whoever attached to the process has made; else its FD is -1 */
};

/* The path of the journal of FD's trace, allocated in the arena. NULL if the trace's path is not known. */
const char *lm_journal_file_path(int fd);

/*
 * Writes what was left in the journal PATH into its trace, on which FD is open,
 * and removes the journal. A journal about another file is out of date, and only
 * removed. One that another user could have written stays: it has to be a regular
 * file of ours with one name, which only we may write to. 0; or -errno: it has to
 * be done again before anything else is written.
 */
int lm_journal_file_take_over(const char *path, int fd);

/*
 * Makes and maps the journal at PLACE of the trace that FD is open on, whose stream
 * goes on at position START. NULL if there can be none: FD is no regular file, is
 * also written by others, or belongs to another user; PLACE's path exists already;
 * there is no memory or no space. A file that was made for us is used as long as it
 * has its name; it and the trace have to have one owner, whoever that is. IS_SPARSE:
 * few of its pages are touched at a time, so the kernel makes none in advance.
 */
struct lm_journal_header *lm_journal_file_make(const struct lm_journal_place *place, int fd, uint64_t start,
                                               int is_packed, int is_sparse);

/* The same in memory that no file has a name for. It does not outlive those that have it mapped. */
struct lm_journal_header *lm_journal_file_make_nameless(uint64_t start, int is_packed);

/* Where no path leads to the file, the one who made it removes it. */
void lm_journal_file_remove(const struct lm_journal_place *place);

/* Removes the file that was made for us if it is still there: nothing is in it. */
void lm_journal_file_remove_given(const struct lm_journal_place *place);

void lm_journal_file_unmap(struct lm_journal_header *header);

/* Replaces the mapping by private memory, so that threads that still write there do no harm. */
void lm_journal_file_detach(struct lm_journal_header *header);

/* A number of the mapped header or trailer. */
static inline uint64_t lm_journal_file_get(const uint64_t *number)
{
	return lm_journal_number(lm_load_acquire(number));
}

static inline void lm_journal_file_put(uint64_t *number, uint64_t value)
{
	lm_store_release(number, lm_journal_number(value));
}

/* Bytes of the stream before this position are in the trace, and are 0 in the ring. */
static inline uint64_t lm_journal_file_tail(const struct lm_journal_header *header)
{
	return lm_journal_file_get(&header->tail);
}

/* The stream goes on at START. */
static inline void lm_journal_file_start_at(struct lm_journal_header *header, uint64_t start)
{
	lm_journal_file_put(&header->start, start);
	lm_journal_file_put(&header->tail, start);
}

/* The journal's ring, mapped twice in a row. */
static inline unsigned char *lm_journal_file_ring(struct lm_journal_header *header)
{
	return (unsigned char *)header + LM_JOURNAL_HEADER;
}

static inline struct lm_journal_trailer *lm_journal_file_trailer(struct lm_journal_header *header)
{
	return (struct lm_journal_trailer *)(void *)(lm_journal_file_ring(header) + 2 * LM_JOURNAL_RING);
}

#endif
