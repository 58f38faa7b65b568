/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See stub.h. Called when the library is loaded, by the thread that loads it. */
#include "stub.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The loader's list of objects, the program first. A handle is a link map in all libcs that have this library. */
static const struct link_map *first_map(void)
{
	void *handle = dlopen(NULL, RTLD_LAZY);

	if (handle)
		dlclose(handle);
	return handle;
}

/* The pointer that the dynamic section has for TAG. glibc has added the base to it, musl has not. */
static const void *section(const struct link_map *map, long tag)
{
	for (const ElfW(Dyn) *item = map->l_ld; item->d_tag != DT_NULL; item++) {
		if (item->d_tag == tag)
			return (const void *)(item->d_un.d_ptr + (item->d_un.d_ptr < map->l_addr ? map->l_addr : 0));
	}
	return NULL;
}

/* How many symbols the program has: the last one is at the end of the last chain of its hash table. */
static size_t count_by_gnu_hash(const uint32_t *hash)
{
	const uint32_t *buckets = hash + 4 + hash[2] * (sizeof(ElfW(Addr)) / sizeof *hash), *chains = buckets + hash[0];
	uint32_t last = 0;

	for (uint32_t i = 0; i < hash[0]; i++)
		last = buckets[i] > last ? buckets[i] : last;
	/* Without a chain, no search finds anything in the program. */
	if (last < hash[1])
		return 0;
	while (!(chains[last - hash[1]] & 1))
		last++;
	return last + 1;
}

static size_t count_symbols(const struct link_map *map)
{
	const uint32_t *gnu = section(map, DT_GNU_HASH), *hash = section(map, DT_HASH);

	if (gnu)
		return count_by_gnu_hash(gnu);
	return hash ? hash[1] : 0;
}

int lm_stub_is(const void *found, const char *name)
{
	const struct link_map *map = first_map();
	const ElfW(Sym) *symbols = map ? section(map, DT_SYMTAB) : NULL;
	const char *strings = map ? section(map, DT_STRTAB) : NULL;
	const size_t count = symbols && strings ? count_symbols(map) : 0;

	for (size_t i = 0; i < count; i++) {
		if (symbols[i].st_shndx == SHN_UNDEF && symbols[i].st_value &&
		    map->l_addr + symbols[i].st_value == (uintptr_t)found &&
		    strcmp(strings + symbols[i].st_name, name) == 0)
			return 1;
	}
	return 0;
}

/* The function NAME if the object itself defines it, and not one that it needs. */
static void *own_definition(const struct link_map *map, const char *name)
{
	void *handle = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD), *found = handle ? dlsym(handle, name) : NULL;
	Dl_info where, ours;

	if (handle)
		dlclose(handle);
	if (!found || !dladdr(found, &where) || !where.dli_fname || strcmp(where.dli_fname, map->l_name) != 0)
		return NULL;
	return dladdr((const void *)(uintptr_t)lm_stub_behind, &ours) && ours.dli_fbase == where.dli_fbase ? NULL
	                                                                                                   : found;
}

void *lm_stub_behind(const char *name)
{
	const struct link_map *map = first_map();
	void *found = NULL;

	for (map = map ? map->l_next : NULL; map && !found; map = map->l_next) {
		if (map->l_name && *map->l_name)
			found = own_definition(map, name);
	}
	dlerror();
	return found;
}
