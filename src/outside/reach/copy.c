/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See copy.h. The process stands still meanwhile, so this only reads. The kernel gives new memory page by page, which
 * takes longer than the reading: so the room for the copy is made before.
 */
#include "copy.h"
#include "array.h"
#include "identity.h"
#include "memory.h"
#include "owned.h"
#include "pages.h"
#include "pointer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A process that goes on until it is stopped gets more memory. */
enum { SPARE = 8 << 20, PAGE = 4096 };

/* From Linux 5.14 on. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* ---- what is to be copied ------------------------------------------------------- */

/* The address that memory from brk() begins at, which proc(5) calls start_brk. A line may show other memory with it. */
static uint64_t find_heap(pid_t pid)
{
	enum { START_BRK = 47 };
	char path[32], text[4 * LM_IDENTITY_STAT_MAX];
	const char *field = NULL;
	ssize_t n = -1;
	size_t size;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text);
		close(fd);
	}
	if (n > 0)
		field = lm_identity_field(text, (size_t)n, START_BRK, &size);
	return field ? strtoull(field, NULL, 10) : 0;
}

static int add_region(struct ranges *pages, const struct region *region, const struct ranges *owned, int pagemap)
{
	struct ranges parts = {.items = NULL};
	int error = ranges_add(&parts, region->start, region->end);

	if (!error)
		error = ranges_subtract(&parts, owned);
	for (size_t i = 0; !error && i < parts.count; i++)
		error = pages_add(pages, region, parts.items[i].from, parts.items[i].to, pagemap);
	ranges_free(&parts);
	return error;
}

/* What is to be copied. 0 or -errno. */
static int find_pages(struct ranges *pages, struct copy *copy)
{
	struct ranges owned = {.items = NULL};
	int pagemap, error;

	regions_free(&copy->regions);
	error = regions_read(&copy->regions, copy->pid);
	if (!error)
		error = owned_find(&owned, copy->pid, &copy->regions, copy->word);
	copy->has_tracker = owned.count > 0;
	pagemap = pages_open(copy->pid);
	for (size_t i = 0; !error && i < copy->regions.count; i++) {
		if (pages_matter(&copy->regions.items[i]))
			error = add_region(pages, &copy->regions.items[i], &owned, pagemap);
	}
	if (pagemap >= 0)
		close(pagemap);
	ranges_free(&owned);
	return error;
}

/* ---- the room ------------------------------------------------------------------- */

static size_t sum(const struct ranges *pages)
{
	size_t size = 0;

	for (size_t i = 0; i < pages->count; i++)
		size += (size_t)(pages->items[i].to - pages->items[i].from);
	return size;
}

/* Makes room for SIZE bytes, of which the kernel gives the first READY at once. 0 or -ENOMEM. */
static int make_room(struct copy *copy, size_t size, size_t ready)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return -ENOMEM;
	if (copy->room)
		munmap(copy->room, copy->room_size);
	copy->room = room;
	copy->room_size = size;
	madvise(room, size, MADV_HUGEPAGE);
	if (ready)
		madvise(room, (ready + PAGE - 1) / PAGE * PAGE, MADV_POPULATE_WRITE);
	return 0;
}

int copy_prepare(struct copy *copy, pid_t pid)
{
	struct ranges pages = {.items = NULL};
	size_t size;
	int error;

	copy->pid = pid;
	copy->word = registers_word(pid);
	error = find_pages(&pages, copy);
	size = sum(&pages);
	if (!error)
		error = make_room(copy, size + size / 8 + SPARE, size);
	ranges_free(&pages);
	return error;
}

/* ---- copying -------------------------------------------------------------------- */

static int take_registers(struct copy *copy, const struct stop *stop)
{
	copy->threads = calloc(stop->count ? stop->count : 1, sizeof *copy->threads);
	if (!copy->threads)
		return -ENOMEM;
	for (size_t i = 0; i < stop->count; i++)
		registers_read(&copy->threads[i], &stop->threads[i], copy->word);
	copy->thread_count = stop->count;
	return 0;
}

/* What can't be read is left out: of the memory of some devices, and of a process that dies just now. */
static int take_pages(struct copy *copy, const struct range *pages)
{
	unsigned char *to = copy->room + copy->room_used;
	size_t size = memory_read(copy->pid, pages->from, to, (size_t)(pages->to - pages->from));
	struct copy_piece *pieces;

	if (!size)
		return 0;
	pieces = array_grow(copy->pieces, &copy->piece_room, copy->piece_count + 1, sizeof *pieces);
	if (!pieces)
		return -ENOMEM;
	copy->pieces = pieces;
	pieces[copy->piece_count++] = (struct copy_piece){pages->from, size, to};
	copy->room_used += size;
	copy->bytes += size;
	return 0;
}

/* A process that is killed loses its memory while that is being copied. */
static bool is_there(const struct copy *copy)
{
	unsigned char byte;

	return copy->piece_count && memory_read(copy->pid, copy->pieces[0].address, &byte, 1) == 1;
}

int copy_take(struct copy *copy, const struct stop *stop)
{
	struct ranges pages = {.items = NULL};
	int error;

	/* If the first thread has ended, the process's number has no memory any more. */
	copy->pid = stop->count ? stop->threads[0].tid : stop->pid;
	copy->word = registers_word(copy->pid);
	/* All bits of a shorter pointer are its address. */
	copy->tags = copy->word == sizeof copy->tags ? LM_POINTER_TAGS : 0;
	copy->heap = find_heap(copy->pid);
	error = take_registers(copy, stop);
	if (!error)
		error = find_pages(&pages, copy);
	if (!error && sum(&pages) > copy->room_size)
		error = make_room(copy, sum(&pages), 0);
	for (size_t i = 0; !error && i < pages.count; i++)
		error = take_pages(copy, &pages.items[i]);
	ranges_free(&pages);
	return error || is_there(copy) ? error : -ESRCH;
}

/* ---- reading the copy ----------------------------------------------------------- */

size_t copy_find(const struct copy *copy, uint64_t address)
{
	size_t low = 0, high = copy->piece_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (copy->pieces[middle].address + copy->pieces[middle].size > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool copy_read(const struct copy *copy, uint64_t address, void *to, size_t size)
{
	bool found = false;

	memset(to, 0, size);
	for (size_t i = copy_find(copy, address); i < copy->piece_count; i++) {
		const struct copy_piece *piece = &copy->pieces[i];
		uint64_t from = piece->address > address ? piece->address : address;
		uint64_t end = piece->address + piece->size;

		if (from >= address + size)
			break;
		end = end < address + size ? end : address + size;
		memcpy((unsigned char *)to + (from - address), piece->bytes + (from - piece->address),
		       (size_t)(end - from));
		found = true;
	}
	return found;
}

bool copy_word(const struct copy *copy, uint64_t address, uint64_t *word)
{
	unsigned char bytes[sizeof *word];
	bool found = copy_read(copy, address, bytes, copy->word);

	*word = 0;
	memcpy(word, bytes, copy->word);
	return found;
}

void copy_free(struct copy *copy)
{
	if (copy->room)
		munmap(copy->room, copy->room_size);
	free(copy->threads);
	free(copy->pieces);
	regions_free(&copy->regions);
	*copy = (struct copy){0};
}
