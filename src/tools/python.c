/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See python.h. */
#include "python.h"
#include "locations.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* The largest object in an arena, in bytes. */
	SMALL = 512,
	/*
	 * Python 3.11 and PYTHONMALLOC=malloc, running nothing: 22,000 allocations of up to 512 bytes, 36 times those
	 * of more. With its own allocator: 630, about as many as those of more.
	 */
	START = 8000,
	USUAL = 4,
};

bool python_is(const char *path)
{
	static const char name[] = "python";
	const char *base = location_base_name(path);

	if (strncmp(base, name, strlen(name)) != 0)
		return false;
	base += strlen(name);
	base += strspn(base, "0123456789.");
	/* Builds for debugging, and without the global lock. */
	return strspn(base, "dt") == strlen(base);
}

bool python_has_own_allocator(void)
{
	static const char off[] = "malloc";
	const char *value = getenv("PYTHONMALLOC");

	return !value || strncmp(value, off, strlen(off)) != 0;
}

bool python_lacks_objects(const struct trace_image *image, const struct consumers *consumers)
{
	uint64_t small = 0, large = 0;

	if (!image->exe || !python_is(image->exe) || !image->begun || image->parent)
		return false;
	if (!consumers)
		return image->events < START;
	for (unsigned i = 0; i < CONSUMERS_CLASSES; i++)
		*(consumers_class_to(i) <= SMALL ? &small : &large) += consumers->classes[i].count;
	return small < START || small < USUAL * large;
}
