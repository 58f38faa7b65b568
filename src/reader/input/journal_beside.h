/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of the journal beside a trace (src/format/journal.h): where it is, and whether it can be believed.
 *
 * In a directory that others can write to, anybody can leave a journal. It is used
 * only if it is a regular file with one name, belongs to the trace's owner, can't be
 * written by others, and is not a symbolic link. Its content is never trusted.
 */
#ifndef LM_READER_JOURNAL_BESIDE_H
#define LM_READER_JOURNAL_BESIDE_H

#include "journal.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What is wrong where the content of the journal is not that of the trace. */
#define JOURNAL_BESIDE_MISMATCH "it does not belong to the trace as it is now"

/*
 * Opens the journal of the trace that is open as TRACE, as ACCESS says: by the name PATH that the trace was opened by,
 * or else by its real name. Returns a descriptor or -errno; -ENOENT if there is no journal. *JOURNAL is its path, which
 * the caller frees, or NULL. Nothing is checked yet but that it is no symbolic link.
 */
int journal_beside_open(int trace, const char *path, int access, char **journal);

/* A message for the errno with which opening a journal failed. */
const char *journal_beside_fault(int error);

/*
 * Checks the journal that is open as FD and reads its header. Returns what is wrong,
 * or NULL. The header is all zeros if the process has only made the file so far.
 */
const char *journal_beside_check(int fd, int trace, struct lm_journal_header *header);

/* Reads the header again, as this machine's numbers, and checks nothing. 0 or -errno, as read_at(). */
int journal_beside_numbers(int fd, struct lm_journal_header *header);

/* No tracker reaches positions that are not possible. Refusing them also means that sums can't overflow. */
bool journal_beside_is_possible(const struct lm_journal_header *header);

/* The offset in the trace that POSITION of the stream has. */
static inline uint64_t journal_beside_offset(const struct lm_journal_header *header, uint64_t position)
{
	return header->base + (position - header->start);
}

/* Does the journal name the device and inode of TRACE? If both files were copied, it does not. */
bool journal_beside_names(const struct lm_journal_header *header, const struct stat *trace);

/*
 * Opens the journal of the trace for reading and writing, which a process that runs has mapped; not that of a copy.
 * *PID is what the journal calls its process. Returns a descriptor or -errno; of -EINVAL, *FAULT tells what is wrong.
 */
int journal_beside_open_live(int trace, const char *path, uint64_t *pid, const char **fault);

/* Removes the journal of a trace that is started again. A file that could not be believed stays. */
void journal_beside_discard(int trace, const char *path);

#endif
