/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which object an address lies in, by the loader and by the kernel's map; what is read of one; the tables that grow. */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "arena.h"
#include "chains.h"
#include "image.h"
#include "loaded.h"
#include "module.h"
#include "procmaps.h"
#include "support.h"

enum { PAGE = 4096 };

/* ---- objects ---- */

struct told {
	unsigned count;
};

/* What dl_iterate_phdr() says is what is to be found without it. */
static int compare(struct dl_phdr_info *info, size_t size, void *data)
{
	struct told *told = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t pc = info->dlpi_addr + segment->p_vaddr + segment->p_memsz / 2;
		struct lm_loaded loaded, mapped;
		char path[PATH_MAX], mapped_path[PATH_MAX];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		ck_assert_msg(lm_loaded_find(pc, &loaded, path) == 0, "%s", info->dlpi_name);
		ck_assert_uint_eq(loaded.bias, info->dlpi_addr);
		ck_assert(loaded.start <= pc && pc < loaded.end);
		if (strchr(info->dlpi_name, '/'))
			ck_assert_str_eq(path, info->dlpi_name);
		told->count++;
		/* The vdso has no file, and so no place in the map by its file. */
		if (pc - getauxval(AT_SYSINFO_EHDR) < 1 << 20)
			continue;
		ck_assert_msg(lm_loaded_find_by_maps(pc, &mapped, mapped_path) == 0, "%s", info->dlpi_name);
		ck_assert(lm_loaded_is_same(&loaded, &mapped));
		ck_assert_uint_eq(loaded.eh_frame_hdr, mapped.eh_frame_hdr);
		ck_assert_str_eq(realpath(path, NULL), mapped_path);
	}
	return 0;
}

START_TEST(the_loader_and_the_map_tell_the_same_of_each_object)
{
	struct told told = {0};

	dl_iterate_phdr(compare, &told);
	ck_assert_uint_ge(told.count, 3);
}
END_TEST

START_TEST(memory_that_is_no_objects_is_found_in_none)
{
	char *room = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char path[PATH_MAX], *block = malloc(100);
	struct lm_loaded loaded;
	const uintptr_t nowhere[] = {
		0, 1, (uintptr_t)room, (uintptr_t)room + PAGE, (uintptr_t)block, (uintptr_t)&loaded, UINTPTR_MAX};

	for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
		ck_assert_int_ne(lm_loaded_find(nowhere[i], &loaded, path), 0);
		/* And again, from what is remembered. */
		for (int again = 0; again < 2; again++)
			ck_assert_int_ne(lm_loaded_find_by_maps(nowhere[i], &loaded, path), 0);
		ck_assert_ptr_null(lm_module_find(nowhere[i]));
	}
	free(block);
}
END_TEST

/* A library that the suite's own program does not link. */
#define LIBRARY "libm.so.6"

START_TEST(an_unloaded_object_is_gone_for_both)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	uintptr_t pc = library ? (uintptr_t)dlsym(library, "cbrt") : 0;
	struct lm_loaded loaded, mapped;
	struct lm_loaded_look look;
	char path[PATH_MAX];

	ck_assert(pc);
	ck_assert_int_eq(lm_loaded_find(pc, &loaded, path), 0);
	ck_assert_int_eq(lm_loaded_find_by_maps(pc, &mapped, path), 0);
	lm_loaded_look_begin(&look, 1);
	ck_assert(lm_loaded_is_there(&look, &loaded) && lm_loaded_is_there(&look, &mapped));
	lm_loaded_look_end(&look);
	dlclose(library);
	if (dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD)) {
		skip("an_unloaded_object_is_gone_for_both", "something else needs " LIBRARY);
		return;
	}
	lm_loaded_look_begin(&look, 1);
	ck_assert(!lm_loaded_is_there(&look, &loaded) && !lm_loaded_is_there(&look, &mapped));
	lm_loaded_look_end(&look);
}
END_TEST

START_TEST(a_line_of_the_map_is_taken_apart)
{
	static char text[] = "7f00-8f00 r-xp 00001000 fd:01 1234                       /a b\\012c\n"
			     "ffff0000-ffff1000 rw-p 00000000 00:00 0 \n"
			     "cut off";
	const struct lm_whole maps = {text, sizeof text - 1, 0};
	const char *at = maps.text;
	struct lm_mapping mapping;

	ck_assert_int_eq(lm_maps_next(&maps, &at, &mapping), 0);
	ck_assert(mapping.start == 0x7f00 && mapping.end == 0x8f00 && mapping.offset == 0x1000);
	ck_assert(mapping.device == ((uint64_t)0xfd << 32 | 1) && mapping.inode == 1234);
	ck_assert(mapping.path_length == 9 && memcmp(mapping.path, "/a b\\012c", 9) == 0);
	ck_assert_int_eq(lm_maps_next(&maps, &at, &mapping), 0);
	ck_assert(mapping.start == 0xffff0000 && mapping.inode == 0 && mapping.path_length == 0);
	ck_assert_int_ne(lm_maps_next(&maps, &at, &mapping), 0);
}
END_TEST

/* ---- images ---- */

START_TEST(of_an_image_only_its_own_readable_bytes_are_read)
{
	char *room = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), copy[2 * PAGE];
	uintptr_t at = (uintptr_t)room;
	struct lm_image image = {0};

	/* A segment, a hole, a segment of which the second page can't be read, and one that goes on behind it. */
	lm_image_add(&image, at, at + PAGE - 100);
	lm_image_add(&image, at + 2 * PAGE, at + 4 * PAGE);
	lm_image_add(&image, at + 5 * PAGE, at + 6 * PAGE);
	mprotect(room + PAGE, PAGE, PROT_NONE);
	mprotect(room + 3 * PAGE, PAGE, PROT_NONE);
	lm_image_flush();
	ck_assert_int_eq(lm_image_read(&image, copy, at, PAGE - 100), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at, PAGE - 99), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + PAGE - 100, 1), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + PAGE, 1), 0);
	ck_assert_int_eq(lm_image_read(&image, copy, at + 2 * PAGE, PAGE), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + 2 * PAGE, PAGE + 1), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + 4 * PAGE - 1, 1), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + 4 * PAGE, 1), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + 5 * PAGE, SIZE_MAX), 0);
	ck_assert_int_ne(lm_image_read(&image, copy, at + 5 * PAGE, 0), 0);
	ck_assert_uint_eq(lm_image_end(&image, at + 2 * PAGE), at + 4 * PAGE);
	ck_assert_uint_eq(lm_image_end(&image, at + PAGE), 0);
	/* What could be read can be gone after code was unloaded. */
	ck_assert_int_eq(lm_image_read(&image, copy, at + 5 * PAGE, PAGE), 0);
	mprotect(room + 5 * PAGE, PAGE, PROT_NONE);
	lm_image_flush();
	ck_assert_int_ne(lm_image_read(&image, copy, at + 5 * PAGE, PAGE), 0);
}
END_TEST

/* ---- tables that grow ---- */

struct numbered {
	struct lm_link link;
	uint64_t number;
};

static unsigned steps;

static int is_number(struct lm_link *link, const void *number)
{
	steps++;
	return ((struct numbered *)link)->number == *(const uint64_t *)number;
}

START_TEST(a_lookup_among_millions_takes_a_few_steps)
{
	static struct lm_link *first[1 << 8];
	struct lm_chains chains = {.bits = 8, .first = first};
	const uint64_t count = 2000000, spread = UINT64_C(0x9e3779b97f4a7c15);
	unsigned most = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct numbered *entry = lm_arena_alloc(sizeof *entry);
		struct lm_link **place = lm_chains_place(&chains, i * spread, &entry->link.next);

		entry->number = i;
		ck_assert(lm_compare_exchange(place, &entry->link.next, &entry->link));
	}
	for (uint64_t i = 0; i < count; i += 7) {
		steps = 0;
		ck_assert_ptr_nonnull(lm_chains_find(&chains, i * spread, is_number, &i));
		most = steps > most ? steps : most;
	}
	ck_assert_uint_le(most, LM_CHAINS_LEVELS * LM_CHAINS_LENGTH);
	for (uint64_t i = count; i < 2 * count; i += 7)
		ck_assert_ptr_null(lm_chains_find(&chains, i * spread, is_number, &i));
	lm_chains_clear(&chains);
	for (uint64_t i = 0; i < count; i += 7)
		ck_assert_ptr_null(lm_chains_find(&chains, i * spread, is_number, &i));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loaded");

	ONCE(the_loader_and_the_map_tell_the_same_of_each_object);
	ONCE(memory_that_is_no_objects_is_found_in_none);
	ONCE(an_unloaded_object_is_gone_for_both);
	ONCE(a_line_of_the_map_is_taken_apart);
	ONCE(of_an_image_only_its_own_readable_bytes_are_read);
	ONCE(a_lookup_among_millions_takes_a_few_steps);
	return run_suite(suite);
}
