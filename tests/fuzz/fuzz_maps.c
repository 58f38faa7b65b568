/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A memory map, as a file and line by line, and what is found in it. */
#include "fuzz.h"
#include "maps.h"

#include <string.h>

static void ask(const struct maps *maps)
{
	for (size_t i = 0; i < maps->count && i < 100; i++) {
		const struct mapping *mapping = &maps->mappings[i], *found;

		fuzz_assert(mapping->from < mapping->to && mapping->path);
		found = maps_find(maps, mapping->to - 1, mapping->path);
		fuzz_assert(found && found->from < mapping->to && found->to >= mapping->to);
		fuzz_assert(!mapping->module || maps_find_path(maps, mapping->path));
	}
	maps_find(maps, 0, NULL);
	maps_find(maps, UINT64_MAX, "");
}

static void add_line(struct maps *maps, const uint8_t *data, size_t len)
{
	char *text = fuzz_copy(data, len);
	struct record record;

	maps_add_line(maps, text, len);
	if (parse_record(text, len, &record) == 0 && record.kind == RECORD_INFO && record.info == INFO_MODULE)
		maps_add_module(maps, &record.module);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct maps lines = {0}, file = {0};
	char path[FUZZ_PATH_MAX];
	int fd = fuzz_file(data, len, path);

	maps_load(&file, path, NULL);
	ask(&file);
	maps_free(&file);
	close(fd);
	for (size_t end; len; data += end, len -= end) {
		const uint8_t *newline = memchr(data, '\n', len);

		add_line(&lines, data, newline ? (size_t)(newline - data) : len);
		end = newline ? (size_t)(newline - data) + 1 : len;
	}
	ask(&lines);
	maps_free(&lines);
	return 0;
}
