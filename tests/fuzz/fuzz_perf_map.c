/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of code that was made at run time. What is found is compared with what looking at all pieces finds. */
#include "fuzz.h"
#include "perf_map.h"

static void ask(struct perf_map *map, uint64_t address)
{
	const char *name, *expected = NULL;
	size_t len;
	int error;

	for (size_t i = 0; i < map->count; i++)
		if (map->pieces[i].from <= address && address < map->pieces[i].to)
			expected = map->pieces[i].name;
	name = perf_map_find(map, address, &len, &error);
	fuzz_assert(!error && name == expected);
	for (size_t i = 0; name && i < len; i++)
		fuzz_assert(name[i] && name[i] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct perf_map map = {.looked = true};

	fuzz_assert(perf_map_add(&map, fuzz_copy(data, len), len) == 0);
	for (size_t i = 0; i < map.count && i < 200; i++) {
		ask(&map, map.pieces[i].from);
		ask(&map, map.pieces[i].from - 1);
		ask(&map, map.pieces[i].to);
		ask(&map, map.pieces[i].to - 1);
	}
	ask(&map, 0);
	ask(&map, UINT64_MAX);
	perf_map_free(&map);
	return 0;
}
