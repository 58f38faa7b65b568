/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See map.h. After mlockall(MCL_FUTURE), each new mapping is locked, whatever it
 * is. But what a mapping grows by is locked only if that mapping is. So every
 * mapping here begins as the spare page: a page that is not locked and can't be
 * touched. It grows to the size that is wanted and one page more. That page, the
 * last one, is the next spare page. Only the very first is mapped anew, mostly
 * before the program can have locked anything.
 *
 *     guard | the memory | guard | spare page
 */
#include "map.h"

#include <sys/auxv.h>

#include "atomic.h"
#include "own.h"
#include "sys.h"

static uintptr_t spare;

static struct lm_own own = {.magic = LM_OWN_MAGIC, .room = LM_OWN_MAX};

/* Without a free place, the mapping is not in the table. */
static void note(uintptr_t at, size_t size)
{
	lm_store(&own.self, (uintptr_t)&own);
	for (size_t i = 0; i < LM_OWN_MAX; i++) {
		uintptr_t none = 0;

		if (lm_load(&own.mappings[i].from) || !lm_compare_exchange(&own.mappings[i].from, &none, at))
			continue;
		lm_store(&own.mappings[i].size, size);
		return;
	}
}

static void forget(uintptr_t at)
{
	for (size_t i = 0; i < LM_OWN_MAX; i++) {
		if (lm_load(&own.mappings[i].from) != at)
			continue;
		lm_store(&own.mappings[i].size, 0);
		lm_store_release(&own.mappings[i].from, 0);
		return;
	}
}

size_t lm_sys_page(void)
{
	return (size_t)getauxval(AT_PAGESZ);
}

/* The size of whole pages. 0: there is no such size. */
static size_t whole(size_t size, size_t page)
{
	return size > SIZE_MAX / 2 ? 0 : (size + page - 1) & ~(page - 1);
}

static int is_error(long result)
{
	return (unsigned long)result > -4096UL;
}

static uintptr_t new_mapping(size_t size, int access, int how, int fd, uint64_t offset)
{
	void *at = mmap(NULL, size, access, how, fd, (off_t)offset);

	return at == MAP_FAILED ? 0 : (uintptr_t)at;
}

static uintptr_t new_reserve(size_t size)
{
	return new_mapping(size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* By libc's function: ThreadSanitizer has to learn that what comes there later is something else. */
static void discard(uintptr_t at, size_t size)
{
	int saved = errno;

	munmap((void *)at, size);
	errno = saved;
}

/*
 * Programs that filter their system calls may not expect munlock(). madvise(), which
 * libc's free() calls, refuses this advice for locked memory. For a page that
 * was never touched it does nothing.
 */
static void unlock_page(uintptr_t at, size_t page)
{
	if (lm_sys(SYS_madvise, at, page, MADV_DONTNEED) == -EINVAL)
		lm_sys(SYS_munlock, at, page);
}

static uintptr_t take_spare(size_t page)
{
	uintptr_t at = lm_exchange(&spare, 0);

	if (!at)
		at = new_reserve(page);
	if (at)
		unlock_page(at, page);
	return at;
}

static void keep_spare(uintptr_t at, size_t page)
{
	uintptr_t none = 0;

	if (!lm_compare_exchange(&spare, &none, at))
		discard(at, page);
}

/* SIZE bytes, whole pages, between two guards. 0: there is no room. */
static uintptr_t reserve(size_t size, size_t page)
{
	uintptr_t seed = take_spare(page);
	long grown = seed ? lm_sys(SYS_mremap, seed, page, size + 3 * page, MREMAP_MAYMOVE) : -ENOMEM;
	uintptr_t at;

	if (!is_error(grown)) {
		keep_spare((uintptr_t)grown + size + 2 * page, page);
		return (uintptr_t)grown + page;
	}
	if (seed)
		keep_spare(seed, page);
	/* A program that filters its system calls may have forbidden mremap(), too. */
	at = grown == -EPERM || grown == -ENOSYS ? new_reserve(size + 2 * page) : 0;
	return at ? at + page : 0;
}

static void release(uintptr_t at, size_t size, size_t page)
{
	discard((at - page), size + 2 * page);
}

static uintptr_t map(size_t size, size_t page, int access)
{
	uintptr_t at = size ? reserve(size, page) : 0;

	if (!at || access == PROT_NONE || lm_sys(SYS_mprotect, at, size, access) == 0)
		return at;
	release(at, size, page);
	return 0;
}

static void *map_with(size_t size, int access)
{
	size_t page = lm_sys_page();
	int saved = errno;
	uintptr_t at = map(whole(size, page), page, access);

	if (at)
		note(at, whole(size, page));
	errno = saved;
	return (void *)at;
}

void *lm_sys_map(size_t size)
{
	return map_with(size, PROT_READ | PROT_WRITE);
}

void *lm_sys_map_nothing(size_t size)
{
	return map_with(size, PROT_NONE);
}

/* Moves the mapping FROM of SIZE bytes to AT. Without a change of its size there is nothing that it could lack. */
static int move(uintptr_t from, void *at, size_t size)
{
	if (!is_error(lm_sys(SYS_mremap, from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at)))
		return 0;
	discard(from, size);
	return -1;
}

int lm_sys_map_zeros(void *at, size_t size)
{
	size_t page = lm_sys_page(), room = whole(size, page);
	int saved = errno;
	uintptr_t from = map(room, page, PROT_READ | PROT_WRITE);

	errno = saved;
	if (!from)
		return -1;
	discard(from - page, page);
	discard(from + room, page);
	return move(from, at, room);
}

int lm_sys_map_file(void *at, size_t size, int access, int how, int fd, uint64_t offset)
{
	size_t page = lm_sys_page(), room = whole(size, page);
	int saved = errno;
	uintptr_t from = new_mapping(page, access, how, fd, offset);
	long grown;

	errno = saved;
	if (!from)
		return -1;
	unlock_page(from, page);
	grown = lm_sys(SYS_mremap, from, page, room, MREMAP_MAYMOVE);
	if (!is_error(grown))
		return move((uintptr_t)grown, at, room);
	discard(from, page);
	return -1;
}

void lm_sys_unmap(void *p, size_t size)
{
	size_t page = lm_sys_page();

	forget((uintptr_t)p);
	release((uintptr_t)p, whole(size, page), page);
}

void lm_sys_unlock(void *p, size_t size)
{
	lm_sys(SYS_munlock, p, size);
}

void lm_sys_read_no_further(void *p, size_t size)
{
	lm_sys(SYS_madvise, p, size, MADV_RANDOM);
}

void lm_sys_give_back(void *p, size_t size)
{
	lm_sys(SYS_madvise, p, size, MADV_DONTNEED);
}

static void store_zeros(uintptr_t from, uintptr_t to)
{
	for (; from < to; from += sizeof(uintptr_t))
		lm_store((uintptr_t *)from, 0);
}

/* Only pages that are P's as a whole can be given back: the first one may hold a part of the file that it was mapped
 * from. */
void lm_sys_clear(void *p, size_t size)
{
	size_t page = lm_sys_page();
	uintptr_t from = (uintptr_t)p, to = from + size, low = (from + page - 1) & ~(page - 1), high = to & ~(page - 1);

	if (low >= high || lm_sys(SYS_madvise, low, high - low, MADV_DONTNEED) != 0)
		low = high = to;
	store_zeros(from, low);
	store_zeros(high, to);
}

void lm_sys_unmap_spare(void)
{
	uintptr_t at = lm_exchange(&spare, 0);

	if (at)
		discard(at, lm_sys_page());
}
