/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second thread that helps to read a mapped file. It maps the pages that come
 * next, and gives back those that were read. If the file is in memory, this is up
 * to half of all the work. If it is not, one thread waits for the disk while the
 * other computes. The second thread reads no byte itself.
 */
#ifndef LM_READER_AHEAD_H
#define LM_READER_AHEAD_H

#include <stddef.h>

struct ahead;

/*
 * Starts the thread for SIZE mapped bytes of DATA. NULL if it would not help (one
 * processor, a small file) or can't be started. Reading works without it.
 */
struct ahead *ahead_start(char *data, size_t size);

/* The reader is at PASSED and needs nothing in front of KEPT, a multiple of the page size. AHEAD can be NULL. */
void ahead_tell(struct ahead *ahead, size_t passed, size_t kept);

/* Ends the thread. To be called before the bytes are unmapped. AHEAD can be NULL. */
void ahead_stop(struct ahead *ahead);

#endif
