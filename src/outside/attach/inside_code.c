/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See inside_code.h. */
#include "inside_code.h"
#include "array.h"

#include <errno.h>
#include <stdlib.h>

static int add_range(struct inside_code *code, struct inside_range range)
{
	struct inside_range *items = array_grow(code->ranges, &code->room, code->count + 1, sizeof *items);

	if (!items)
		return -ENOMEM;
	code->ranges = items;
	items[code->count++] = range;
	return 0;
}

/* All code of an object. */
static int add_object(struct inside_code *code, const struct loaded *object, bool has_threads)
{
	int error = 0;

	for (size_t i = 0; !error && i < object->segment_count; i++) {
		if (!object->segments[i].writable)
			error = add_range(code, (struct inside_range){object->segments[i].start,
			                                              object->segments[i].end, has_threads});
	}
	return error;
}

static bool is_code(const Elf64_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_value && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

static int compare_addresses(const void *one, const void *other)
{
	const uint64_t first = *(const uint64_t *)one, second = *(const uint64_t *)other;

	return (first > second) - (first < second);
}

/* Is ADDRESS one of the COUNT sorted FUNCTIONS? One function can have several names. */
static bool is_one_of(const uint64_t *functions, size_t count, uint64_t address)
{
	return bsearch(&address, functions, count, sizeof address, compare_addresses) != NULL;
}

/*
 * Around each of FUNCTIONS, what has no other function's name belongs to it: static functions that work for it lie
 * beside it, and a stripped library has no names but those that it exports. RANGES gets the ranges.
 */
static void spread(struct inside_range *ranges, const struct loaded *object, const uint64_t *functions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct inside_range){0, UINT64_MAX, false};
	for (size_t i = 0; i < object->symbol_count; i++) {
		const Elf64_Sym *symbol = &object->symbols[i];
		uint64_t start = object->base + symbol->st_value, end = start + symbol->st_size;

		if (!is_code(symbol) || is_one_of(functions, count, start))
			continue;
		for (size_t j = 0; j < count; j++) {
			if (start > functions[j] && start < ranges[j].end)
				ranges[j].end = start;
			if (start < functions[j] && end <= functions[j] && end > ranges[j].start)
				ranges[j].start = end;
		}
	}
}

/* The functions themselves, without what lies around them. */
static int add_functions(struct inside_code *code, const struct loaded *object, const char *const *names, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		const Elf64_Sym *symbol = loaded_define(object, names[i]);
		uint64_t start = symbol ? loaded_address(object, symbol) : 0;

		if (symbol)
			error = add_range(
				code, (struct inside_range){start, start + symbol->st_size + !symbol->st_size, false});
	}
	return error;
}

enum { FAMILY_MAX = 64 };

static int add_family(struct inside_code *code, const struct loaded *object, const char *const *names, size_t count)
{
	struct inside_range ranges[FAMILY_MAX];
	uint64_t functions[FAMILY_MAX] = {0};
	size_t found = 0;
	int error = 0;

	for (size_t i = 0; i < count && found < FAMILY_MAX; i++) {
		const Elf64_Sym *symbol = loaded_define(object, names[i]);

		if (symbol)
			functions[found++] = loaded_address(object, symbol);
	}
	qsort(functions, found, sizeof *functions, compare_addresses);
	spread(ranges, object, functions, found);
	for (size_t i = 0; !error && i < found; i++)
		error = add_range(code, ranges[i]);
	return error;
}

/* Of the allocator. */
static const char *const allocating[] = {
	"malloc",
	"free",
	"calloc",
	"realloc",
	"reallocarray",
	"memalign",
	"valloc",
	"pvalloc",
	"aligned_alloc",
	"posix_memalign",
	"mallinfo",
	"mallinfo2",
	"mallopt",
	"malloc_trim",
	"malloc_stats",
	"malloc_info",
	"free_sized",
	"free_aligned_sized",
	"__libc_malloc",
	"__libc_free",
	"__libc_calloc",
	"__libc_realloc",
	"__libc_memalign",
	"__libc_mallopt",
	"__libc_valloc",
	"__libc_pvalloc",
	"__libc_mallinfo",
	"malloc_usable_size",
	"__libc_reallocarray",
};

/* Of libc, which hold locks of the allocator or of the loader. */
static const char *const locking[] = {
	"fork",         "__fork", "_Fork",  "__libc_fork", "dlopen", "dlmopen",         "dlclose",
	"dlsym",        "dlvsym", "dladdr", "dladdr1",     "dlinfo", "dl_iterate_phdr", "__libc_dlopen_mode",
	"__libc_dlsym",
};

/* musl has its loader among them. */
static const char *const loading[] = {
	"dlopen", "dlclose", "dlsym", "dlvsym", "dladdr", "dlinfo", "dl_iterate_phdr", "dlerror", "__dls2b", "__dls3",
};

#define NAMES(list) list, sizeof(list) / sizeof *(list)

/* The allocator can be libc's, that of a library, or a part of the program. */
static int add_allocator(struct inside_code *code, const struct loaded_list *list, const struct loaded *libc)
{
	const struct loaded *definer = NULL;

	if (!loaded_find(list, "malloc", &definer) || definer == libc)
		return 0;
	if (definer == &list->items[0])
		return add_functions(code, definer, NAMES(allocating));
	return add_object(code, definer, true);
}

int inside_code_find(struct inside_code *code, const struct loaded_list *list)
{
	const struct loaded *libc = loaded_libc(list);
	int error = 0;

	code->count = 0;
	for (size_t i = 0; !error && i < list->count; i++) {
		const struct loaded *object = &list->items[i];

		if (object->is_tracker || (object->is_loader && !object->is_libc))
			error = add_object(code, object, false);
	}
	if (!error && libc)
		error = add_family(code, libc, NAMES(allocating));
	if (!error && libc && libc->is_musl)
		error = add_family(code, libc, NAMES(loading));
	if (!error && libc)
		error = add_functions(code, libc, NAMES(locking));
	return error ? error : add_allocator(code, list, libc);
}

const struct inside_range *inside_code_at(const struct inside_code *code, uint64_t address)
{
	for (size_t i = 0; i < code->count; i++) {
		if (address >= code->ranges[i].start && address < code->ranges[i].end)
			return &code->ranges[i];
	}
	return NULL;
}

void inside_code_free(struct inside_code *code)
{
	free(code->ranges);
	*code = (struct inside_code){.count = 0};
}
