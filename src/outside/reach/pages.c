/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See pages.h. A page of a private mapping that nobody wrote to is as it is in its file, so it has no pointers to
 * blocks. A page that was written to counts whatever may be done to it now: relocations are made read-only.
 */
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* From the kernel's admin-guide/mm/pagemap. */
#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define OF_FILE (UINT64_C(1) << 61) /* of a file, or shared */

enum { ENTRIES = 8192 };

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Reading from a device's memory may hang, or change what the device does. */
static bool is_device(const char *name)
{
	return begins(name, "/dev/") && !begins(name, "/dev/zero") && !begins(name, "/dev/shm/");
}

bool pages_matter(const struct region *region)
{
	if (!region->readable || (region->shared && !region->writable) || is_device(region->name))
		return false;
	return !begins(region->name, "[v");
}

int pages_open(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/pagemap", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static bool counts(uint64_t entry, bool shared)
{
	return (entry & (PRESENT | SWAPPED)) && (shared || !(entry & OF_FILE));
}

/* Adds the page at AT. It mostly follows the one before, in the region from BEGIN on. */
static int add_page(struct ranges *pages, uint64_t at, uint64_t begin, size_t page)
{
	struct range *last = pages->count ? &pages->items[pages->count - 1] : NULL;

	if (!last || last->to != at || last->from < begin)
		return ranges_add(pages, at, at + page);
	last->to += page;
	return 0;
}

int pages_add(struct ranges *pages, const struct region *region, uint64_t from, uint64_t to, int pagemap)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t entries[ENTRIES];
	uint64_t at = from;
	int error = 0;

	while (!error && pagemap >= 0 && at < to) {
		uint64_t left = (to - at) / page;
		size_t count = left < ENTRIES ? (size_t)left : ENTRIES;
		ssize_t got = pread(pagemap, entries, count * sizeof *entries, (off_t)(at / page * sizeof *entries));

		if (got < (ssize_t)sizeof *entries)
			break;
		for (size_t i = 0; !error && i < (size_t)got / sizeof *entries; i++, at += page) {
			if (counts(entries[i], region->shared))
				error = add_page(pages, at, from, page);
		}
	}
	return error || !region->writable ? error : ranges_add(pages, at, to);
}
