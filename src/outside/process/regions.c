/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See regions.h. */
#include "regions.h"
#include "array.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one line into REGION. The name is a copy, or NULL if there is no memory. False if it is no such line. */
static bool read_line(struct region *region, char *line)
{
	char flags[5];
	int name = 0;

	*region = (struct region){0};
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n", &region->start, &region->end,
	           flags, &region->offset, &region->inode, &name) != 5)
		return false;
	region->readable = flags[0] == 'r';
	region->writable = flags[1] == 'w';
	region->executable = flags[2] == 'x';
	region->shared = flags[3] == 's';
	line[strcspn(line, "\n")] = '\0';
	region->name = strdup(name ? line + name : "");
	return true;
}

static int add(struct regions *regions, const struct region *region)
{
	struct region *items = array_grow(regions->items, &regions->room, regions->count + 1, sizeof *items);

	if (items)
		regions->items = items;
	if (!items || !region->name) {
		free(region->name);
		return -ENOMEM;
	}
	items[regions->count++] = *region;
	return 0;
}

int regions_read(struct regions *regions, pid_t pid)
{
	struct region region;
	char path[32], *line = NULL;
	size_t room = 0;
	FILE *maps;
	int error = 0;

	*regions = (struct regions){0};
	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!error && getline(&line, &room, maps) > 0) {
		if (read_line(&region, line))
			error = add(regions, &region);
	}
	if (!error && ferror(maps))
		error = -EIO;
	free(line);
	fclose(maps);
	if (error)
		regions_free(regions);
	return error;
}

const struct region *regions_find(const struct regions *regions, uint64_t address)
{
	size_t low = 0, high = regions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct region *region = &regions->items[middle];

		if (address >= region->start && address < region->end)
			return region;
		if (address < region->start)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void regions_free(struct regions *regions)
{
	for (size_t i = 0; i < regions->count; i++)
		free(regions->items[i].name);
	free(regions->items);
	*regions = (struct regions){0};
}
