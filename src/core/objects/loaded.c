/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See loaded.h. */
#include "loaded.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/auxv.h>

#include "atomic.h"
#include "path.h"
#include "stat.h"
#include "sys.h"

/* ---- the program and the vdso, as the kernel told of them ---- */

/* What was added to the program's addresses. A program that is not position independent may have no PT_PHDR. */
static uintptr_t program_bias(const struct lm_headers *headers)
{
	uintptr_t page = headers->at & ~((uintptr_t)getauxval(AT_PAGESZ) - 1);
	ElfW(Phdr) header;
	ElfW(Ehdr) elf;

	for (unsigned i = 0; i < headers->count; i++) {
		if (lm_image_read_any(&header, headers->at + i * sizeof header, sizeof header) != 0)
			return 0;
		if (header.p_type == PT_PHDR)
			return headers->at - header.p_vaddr;
	}
	if (lm_image_read_any(&elf, page, sizeof elf) != 0 || __builtin_memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf.e_type != ET_DYN || lm_headers_first(headers, &header) != 0)
		return 0;
	return page - header.p_vaddr;
}

static int has(const struct lm_loaded *loaded, uintptr_t pc)
{
	return pc >= loaded->start && pc < loaded->end;
}

/* The end of the program, as soon as it was looked at. */
static uintptr_t program_end;

/* If the loader was called as a command, this is the loader. */
static int find_program(uintptr_t pc, struct lm_loaded *loaded, char *path)
{
	struct lm_headers headers = {
		.count = (unsigned)getauxval(AT_PHNUM), .at = (uintptr_t)getauxval(AT_PHDR), .fd = -1};

	*loaded = (struct lm_loaded){0};
	if (!headers.at)
		return -1;
	loaded->bias = program_bias(&headers);
	if (lm_headers_read(&headers, loaded) != 0)
		return -1;
	lm_store(&program_end, loaded->end);
	if (!has(loaded, pc))
		return -1;
	if (lm_path_exe(path, PATH_MAX) != 0)
		path[0] = '\0';
	return 0;
}

static int find_vdso(uintptr_t pc, struct lm_loaded *loaded, char *path)
{
	uintptr_t start = (uintptr_t)getauxval(AT_SYSINFO_EHDR);
	struct lm_headers headers;
	ElfW(Phdr) first;

	*loaded = (struct lm_loaded){0};
	if (!start || lm_headers_in_memory(&headers, start) != 0 || lm_headers_first(&headers, &first) != 0)
		return -1;
	loaded->bias = start - first.p_vaddr;
	path[0] = '\0';
	return lm_headers_read(&headers, loaded) == 0 && has(loaded, pc) ? 0 : -1;
}

/* ---- by the kernel's map ---- */

/*
 * Memory that is no object's, where the map has to be asked: code that a program makes lies in few mappings, and calls
 * from many places in them. It holds until an object comes.
 */
#define NOWHERE 16
static struct {
	uintptr_t start, end;
} nowhere[NOWHERE];
static unsigned nowhere_next;

static int is_nowhere(uintptr_t pc)
{
	for (unsigned i = 0; i < NOWHERE; i++) {
		if (pc >= lm_load(&nowhere[i].start) && pc < lm_load(&nowhere[i].end))
			return 1;
	}
	return 0;
}

static void note_nowhere(const struct lm_mapping *mapping)
{
	unsigned i = lm_fetch_add(&nowhere_next, 1) % NOWHERE;

	/* START is stored last: between two stores, the place has no memory at all. */
	lm_store(&nowhere[i].end, 0);
	lm_store_release(&nowhere[i].start, mapping->start);
	lm_store_release(&nowhere[i].end, mapping->end);
}

void lm_loaded_forget(void)
{
	for (unsigned i = 0; i < NOWHERE; i++)
		lm_store(&nowhere[i].end, 0);
}

static int is_elf(const struct lm_mapping *mapping)
{
	char magic[SELFMAG];

	return mapping->inode && mapping->offset == 0 && lm_image_read_any(magic, mapping->start, sizeof magic) == 0 &&
	       __builtin_memcmp(magic, ELFMAG, SELFMAG) == 0;
}

/* Finds the mapping FIRST with the ELF header of the file that is mapped at PC. 0, or -1; WHERE is PC's own mapping. */
static int find_mapping(const struct lm_whole *maps, uintptr_t pc, struct lm_mapping *first, struct lm_mapping *where)
{
	const char *at = maps->text;

	*first = (struct lm_mapping){0};
	while (lm_maps_next(maps, &at, where) == 0 && where->start <= pc) {
		if (is_elf(where))
			*first = *where;
		if (pc < where->end)
			return where->inode && where->inode == first->inode && where->device == first->device ? 0 : -1;
	}
	*where = (struct lm_mapping){0};
	return -1;
}

/* The kernel writes a newline as \012, and a mark behind the name of a file that was removed. */
static void copy_path(char *path, const struct lm_mapping *mapping)
{
	static const char newline[] = "\\012", deleted[] = " (deleted)";
	const char *from = mapping->path;
	size_t left = mapping->path_length;

	if (left > sizeof deleted - 1 &&
	    __builtin_memcmp(from + left - (sizeof deleted - 1), deleted, sizeof deleted - 1) == 0)
		left -= sizeof deleted - 1;
	if (from[0] != '/' || left >= PATH_MAX)
		left = 0;
	while (left) {
		size_t used = left >= 4 && __builtin_memcmp(from, newline, 4) == 0 ? 4 : 1;

		*path++ = used == 4 ? '\n' : *from;
		from += used;
		left -= used;
	}
	*path = '\0';
}

/* Odd, so that it is none of the loader's own. */
static const void *handle_of(const struct lm_mapping *mapping)
{
	return (const void *)(((uintptr_t)mapping->inode ^ (uintptr_t)mapping->device << 8) << 1 | 1);
}

static int is_by_maps(const struct lm_loaded *loaded)
{
	return (uintptr_t)lm_load(&loaded->handle) & 1;
}

static int read_mapped(const struct lm_mapping *first, struct lm_loaded *loaded, char *path)
{
	struct lm_headers headers;
	ElfW(Phdr) header;
	int result = -1, fd = -1;

	copy_path(path, first);
	*loaded = (struct lm_loaded){.handle = handle_of(first)};
	if (lm_headers_in_memory(&headers, first->start) != 0) {
		fd = path[0] ? lm_sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0) : -1;
		if (fd < 0 || lm_headers_in_file(&headers, fd) != 0)
			goto done;
	}
	if (lm_headers_first(&headers, &header) != 0)
		goto done;
	loaded->bias = first->start - (header.p_vaddr & ~((uintptr_t)getauxval(AT_PAGESZ) - 1));
	result = lm_headers_read(&headers, loaded);
done:
	if (fd >= 0)
		lm_sys_close(fd);
	return result;
}

int lm_loaded_find_by_maps(uintptr_t pc, struct lm_loaded *loaded, char *path)
{
	struct lm_mapping first, where;
	struct lm_whole maps;
	int result = -1;

	if (is_nowhere(pc))
		return -1;
	if (lm_maps_read(&maps) == 0) {
		if (find_mapping(&maps, pc, &first, &where) == 0)
			result = read_mapped(&first, loaded, path);
		if (result != 0 && where.end)
			note_nowhere(&where);
	}
	lm_whole_unread(&maps);
	return result == 0 && has(loaded, pc) ? 0 : -1;
}

/* ---- by the loader ---- */

#ifdef DLFO_STRUCT_HAS_EH_DBASE

extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

static int has_loader(void)
{
	return _dl_find_object != NULL;
}

static const struct link_map *ask_loader(uintptr_t pc, uintptr_t *start)
{
	struct dl_find_object object;

	if (_dl_find_object((void *)pc, &object) != 0)
		return NULL;
	*start = (uintptr_t)object.dlfo_map_start;
	return object.dlfo_link_map;
}

#else

static int has_loader(void)
{
	return 0;
}

static const struct link_map *ask_loader(uintptr_t pc, uintptr_t *start)
{
	(void)pc;
	(void)start;
	return NULL;
}

#endif

/* The path of the program that the loader, called as a command, runs: only the kernel's map has it. */
static void find_programs_path(char *path, uintptr_t start)
{
	struct lm_mapping mapping;
	struct lm_whole maps;
	const char *at;

	path[0] = '\0';
	if (lm_maps_read(&maps) == 0) {
		for (at = maps.text; lm_maps_next(&maps, &at, &mapping) == 0;) {
			if (mapping.start == start)
				copy_path(path, &mapping);
		}
	}
	lm_whole_unread(&maps);
}

static void find_path(char *path, const struct link_map *map, uintptr_t start)
{
	const char *name = map->l_name ? map->l_name : "";

	path[0] = '\0';
	if (!name[0])
		find_programs_path(path, start);
	else if (__builtin_strchr(name, '/') && lm_path_absolute(path, PATH_MAX, name) != 0)
		path[0] = '\0';
}

static int find_by_loader(uintptr_t pc, struct lm_loaded *loaded, char *path)
{
	uintptr_t start;
	const struct link_map *map = ask_loader(pc, &start);
	struct lm_headers headers;
	int result = -1, fd = -1;

	if (!map)
		return -1;
	find_path(path, map, start);
	*loaded = (struct lm_loaded){.handle = map, .bias = map->l_addr};
	if (lm_headers_in_memory(&headers, start) == 0) {
		result = lm_headers_read(&headers, loaded);
	} else {
		/* The headers can lie anywhere in the file, and then they need not be in memory. */
		fd = path[0] ? lm_sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0) : -1;
		if (fd >= 0 && lm_headers_in_file(&headers, fd) == 0)
			result = lm_headers_read(&headers, loaded);
	}
	if (fd >= 0)
		lm_sys_close(fd);
	return result == 0 && loaded->start == start && has(loaded, pc) ? 0 : -1;
}

/* ---- any object ---- */

static void find_stamp(struct lm_stamp *stamp, const char *path)
{
	int saved = errno;
	struct stat file;

	if (stat(path, &file) == 0) {
		*stamp = (struct lm_stamp){.device = file.st_dev,
		                           .inode = file.st_ino,
		                           .size = (uint64_t)file.st_size,
		                           .seconds = lm_stat_seconds(&file),
		                           .nanoseconds = lm_stat_nanoseconds(&file)};
	}
	errno = saved;
}

/* More pages than the vdso has. */
#define VDSO_MAX ((uintptr_t)1 << 20)

int lm_loaded_is_nowhere(uintptr_t pc)
{
	uintptr_t start;

	/* Whoever asks for the first time learns of the program. */
	if (!has_loader() || !lm_load(&program_end) || pc - (uintptr_t)getauxval(AT_SYSINFO_EHDR) < VDSO_MAX)
		return 0;
	return !ask_loader(pc, &start);
}

int lm_loaded_find(uintptr_t pc, struct lm_loaded *loaded, char *path)
{
	if (find_program(pc, loaded, path) != 0 && find_vdso(pc, loaded, path) != 0 &&
	    (has_loader() ? find_by_loader(pc, loaded, path) : lm_loaded_find_by_maps(pc, loaded, path)) != 0)
		return -1;
	if (!loaded->build_id_size && path[0])
		find_stamp(&loaded->stamp, path);
	return 0;
}

int lm_loaded_is_same_file(const struct lm_loaded *a, const struct lm_loaded *b)
{
	if (a->headers != b->headers || a->build_id_size != b->build_id_size)
		return 0;
	if (a->build_id_size)
		return __builtin_memcmp(a->build_id, b->build_id, a->build_id_size) == 0;
	return a->stamp.inode && a->stamp.device == b->stamp.device && a->stamp.inode == b->stamp.inode &&
	       a->stamp.size == b->stamp.size && a->stamp.seconds == b->stamp.seconds &&
	       a->stamp.nanoseconds == b->stamp.nanoseconds;
}

int lm_loaded_is_same(const struct lm_loaded *a, const struct lm_loaded *b)
{
	return a->start == b->start && a->end == b->end && a->bias == b->bias && lm_loaded_is_same_file(a, b);
}

/* ---- is it still there? ---- */

void lm_loaded_look_begin(struct lm_loaded_look *look, int is_thorough)
{
	*look = (struct lm_loaded_look){.is_thorough = is_thorough};
	lm_loaded_forget();
}

static int is_mapped(struct lm_loaded_look *look, const struct lm_loaded *loaded)
{
	struct lm_mapping mapping;
	const char *at;

	if (!look->is_thorough || (!look->is_read && lm_maps_read(&look->maps) != 0))
		return 1;
	look->is_read = 1;
	for (at = look->maps.text; lm_maps_next(&look->maps, &at, &mapping) == 0;) {
		if (mapping.start == loaded->start)
			return handle_of(&mapping) == lm_load(&loaded->handle);
	}
	return 0;
}

int lm_loaded_is_there(struct lm_loaded_look *look, const struct lm_loaded *loaded)
{
	uintptr_t start = 0;

	if (!lm_load(&loaded->handle))
		return 1;
	if (is_by_maps(loaded))
		return is_mapped(look, loaded);
	return ask_loader(loaded->start, &start) == lm_load(&loaded->handle) && start == loaded->start;
}

void lm_loaded_look_end(struct lm_loaded_look *look)
{
	lm_whole_unread(&look->maps);
}
