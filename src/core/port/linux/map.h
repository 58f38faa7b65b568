/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * All memory that the tracker maps. Three things are the same for all of it.
 *
 * It stays out of what mlockall(MCL_FUTURE) locks: it is not read in as a whole,
 * and does not count against RLIMIT_MEMLOCK. Otherwise the program's own calls
 * would lack it.
 *
 * On both sides of it lies a page that nobody can touch, the guards. So a write
 * beyond a mapping of the program's ends as it would without the tracker.
 *
 * It counts against the address space only, until it is touched.
 *
 * errno stays as it is. Async-signal-safe.
 */
#ifndef LM_MAP_H
#define LM_MAP_H

#include <stddef.h>
#include <stdint.h>

/* SIZE zeroed bytes, or NULL. */
void *lm_sys_map(size_t size);

/* The same, where nothing can be touched until a part of it is replaced by one of the two functions below. */
void *lm_sys_map_nothing(size_t size);

/* Replaces SIZE bytes at AT, whole pages of such memory, by zeroed memory. 0, or -1: nothing has changed. */
int lm_sys_map_zeros(void *at, size_t size);

/*
 * Replaces SIZE bytes at AT by the content of FD's file from OFFSET on, with mmap()'s ACCESS and HOW. 0, or -1: nothing
 * has changed. After MCL_FUTURE, the limit has to leave one page for a moment.
 */
int lm_sys_map_file(void *at, size_t size, int access, int how, int fd, uint64_t offset);

/* The end of what lm_sys_map() or lm_sys_map_nothing() returned for SIZE. */
void lm_sys_unmap(void *p, size_t size);

/* Takes SIZE bytes at P out of what mlockall(MCL_CURRENT) locked. */
void lm_sys_unlock(void *p, size_t size);

/* The kernel is not to read pages of the SIZE bytes at P, a mapped file, before they are touched. */
void lm_sys_read_no_further(void *p, size_t size);

/* Whole pages of a file that is mapped shared: this process does without them until it touches them again. */
void lm_sys_give_back(void *p, size_t size);

/*
 * The SIZE bytes at P, static memory of ours, are 0 from here on. They use no memory until they are written again,
 * where the kernel can give it back. Another thread that reads meanwhile finds what was there, or 0.
 */
void lm_sys_clear(void *p, size_t size);

/* Gives back what is kept for the next mapping. No other thread may be at work. */
void lm_sys_unmap_spare(void);

/* The size of a page. */
size_t lm_sys_page(void);

#endif
