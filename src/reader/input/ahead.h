/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second thread that walks before and behind the one that reads a mapped
 * file: it maps the pages that come next and gives back those that were read.
 * That is up to half of all the work where the file is in memory; where it is not,
 * one thread waits for the disk while the other computes. It looks at no byte itself.
 */
#ifndef LM_READER_AHEAD_H
#define LM_READER_AHEAD_H

#include <stddef.h>

struct ahead;

/*
 * For SIZE mapped bytes of DATA. NULL if there is nobody to help: one processor,
 * a small file, no thread; everything else works without.
 */
struct ahead *ahead_start(char *data, size_t size);

/* The reader is at PASSED and does not look back beyond KEPT, a multiple of the page size. AHEAD can be NULL. */
void ahead_tell(struct ahead *ahead, size_t passed, size_t kept);

/* Before the bytes are unmapped. AHEAD can be NULL. */
void ahead_stop(struct ahead *ahead);

#endif
