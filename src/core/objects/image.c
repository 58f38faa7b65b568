/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See image.h. */
#include "image.h"

#include "atomic.h"
#include "sys.h"

/* The smallest page that there is: what is readable is so in whole ones. */
#define PAGE ((uintptr_t)4096)
/* Pages that can be read, by their number. In the lower bits: the number of unloadings before they were tested. */
#define KNOWN 256

static uintptr_t known[KNOWN];
static uintptr_t unloadings;

static int is_page_readable(uintptr_t page)
{
	uintptr_t *slot = &known[page / PAGE % KNOWN];
	/* Read before the test, so that a test from before an unloading does not count behind it. */
	uintptr_t entry = page | lm_load(&unloadings) % PAGE;

	if (lm_load(slot) == entry)
		return 1;
	if (!lm_sys_readable(page))
		return 0;
	lm_store(slot, entry);
	return 1;
}

static int are_pages_readable(uintptr_t at, size_t size)
{
	if (!size || at > UINTPTR_MAX - size || at < PAGE)
		return 0;
	for (uintptr_t page = at & ~(PAGE - 1); page < at + size; page += PAGE) {
		if (!is_page_readable(page))
			return 0;
	}
	return 1;
}

void lm_image_add(struct lm_image *image, uintptr_t start, uintptr_t end)
{
	if (image->count == LM_IMAGE_SEGMENTS || start >= end)
		return;
	image->segment[image->count].start = start;
	image->segment[image->count].end = end;
	image->count++;
}

uintptr_t lm_image_end(const struct lm_image *image, uintptr_t at)
{
	for (unsigned i = 0; i < image->count; i++) {
		if (at >= image->segment[i].start && at < image->segment[i].end)
			return image->segment[i].end;
	}
	return 0;
}

int lm_image_has(const struct lm_image *image, uintptr_t at, size_t size)
{
	uintptr_t end = lm_image_end(image, at);

	return end && size <= end - at && are_pages_readable(at, size);
}

int lm_image_read(const struct lm_image *image, void *to, uintptr_t at, size_t size)
{
	if (!lm_image_has(image, at, size))
		return -1;
	__builtin_memcpy(to, (const void *)at, size);
	return 0;
}

int lm_image_read_any(void *to, uintptr_t at, size_t size)
{
	if (!are_pages_readable(at, size))
		return -1;
	__builtin_memcpy(to, (const void *)at, size);
	return 0;
}

void lm_image_flush(void)
{
	lm_add(&unloadings, 1);
}

void lm_image_forget(void)
{
	lm_sys_clear(known, sizeof known);
}
