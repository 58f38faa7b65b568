/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See loaded.h. */
#include "loaded.h"
#include "array.h"
#include "attach.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any process has. A list that is longer is a circle, or garbage. */
enum { OBJECTS_MAX = 100000, HEADERS_MAX = 64, DYNAMIC_MAX = 512, BUCKETS_MAX = 1 << 24 };
#define SYMBOLS_MAX ((uint64_t)1 << 24)
#define STRINGS_MAX ((uint64_t)1 << 30)
#define TABLE_MAX   ((uint64_t)1 << 28)

/* ---- where the loader has its list -------------------------------------------- */

/* The value that the kernel gave the program as TYPE; 0 if it gave none. */
static uint64_t auxiliary(pid_t pid, uint64_t type)
{
	char path[32];
	Elf64_auxv_t item;
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
	file = fopen(path, "re");
	while (file && !value && fread(&item, sizeof item, 1, file) == 1) {
		if (item.a_type == type)
			value = item.a_un.a_val;
	}
	if (file)
		fclose(file);
	return value;
}

/* Reads the value of the entry TAG in the dynamic section at ADDRESS. 0: there is none. */
static uint64_t dynamic_value(pid_t pid, uint64_t address, int64_t tag)
{
	Elf64_Dyn dynamic[DYNAMIC_MAX];
	size_t count = memory_read(pid, address, dynamic, sizeof dynamic) / sizeof *dynamic;

	for (size_t i = 0; i < count && dynamic[i].d_tag != DT_NULL; i++) {
		if (dynamic[i].d_tag == tag)
			return dynamic[i].d_un.d_val;
	}
	return 0;
}

/* The program's r_debug, which its dynamic section points to. The kernel told the program where its headers are. */
static uint64_t debug_of_program(pid_t pid)
{
	Elf64_Phdr headers[HEADERS_MAX];
	uint64_t at = auxiliary(pid, AT_PHDR), base = 0, dynamic = 0;
	size_t count = auxiliary(pid, AT_PHNUM);

	if (!at || count > HEADERS_MAX)
		return 0;
	count = memory_read(pid, at, headers, count * sizeof *headers) / sizeof *headers;
	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			base = at - headers[i].p_vaddr;
		else if (headers[i].p_type == PT_DYNAMIC)
			dynamic = headers[i].p_vaddr;
	}
	return dynamic ? dynamic_value(pid, base + dynamic, DT_DEBUG) : 0;
}

/* ---- an object ------------------------------------------------------------------ */

/* The address of the ELF header of what is mapped around ADDRESS; 0 if that is no file. */
static uint64_t find_header(const struct regions *regions, uint64_t address)
{
	const struct region *region = regions_find(regions, address);

	while (region && region->offset) {
		const struct region *before = region - 1;

		/* What is mapped without a file lies behind the data, not in front of it. */
		if (region == regions->items || before->inode != region->inode ||
		    strcmp(before->name, region->name) != 0)
			return 0;
		region = before;
	}
	return region ? region->start : 0;
}

static int read_segments(struct loaded *object, pid_t pid, uint64_t at)
{
	Elf64_Phdr headers[HEADERS_MAX];
	Elf64_Ehdr header;
	size_t count;

	if (memory_read(pid, at, &header, sizeof header) != sizeof header ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof *headers || header.e_phnum > HEADERS_MAX)
		return -EINVAL;
	count = memory_read(pid, at + header.e_phoff, headers, header.e_phnum * sizeof *headers) / sizeof *headers;
	for (size_t i = 0; i < count && object->segment_count < LOADED_SEGMENTS; i++) {
		struct loaded_segment *segment = &object->segments[object->segment_count];

		if (headers[i].p_type != PT_LOAD)
			continue;
		segment->start = object->base + headers[i].p_vaddr;
		segment->end = segment->start + headers[i].p_memsz;
		segment->writable = headers[i].p_flags & PF_W;
		object->segment_count++;
	}
	return object->segment_count ? 0 : -EINVAL;
}

/* glibc adds the base to the pointers in most dynamic sections, musl to none. */
static uint64_t pointer(const struct loaded *object, uint64_t value)
{
	return value && value < object->base ? value + object->base : value;
}

/* How many symbols the table has: the hash table at ADDRESS tells the greatest number, in a chain's last item. */
static uint64_t count_by_gnu_hash(pid_t pid, uint64_t at)
{
	uint32_t head[4], *buckets, greatest = 0, link = 0;
	uint64_t chains;

	if (memory_read(pid, at, head, sizeof head) != sizeof head || head[0] > BUCKETS_MAX || head[2] > BUCKETS_MAX)
		return 0;
	at += sizeof head + (uint64_t)head[2] * sizeof(uint64_t);
	chains = at + (uint64_t)head[0] * sizeof *buckets;
	buckets = calloc(head[0] + 1, sizeof *buckets);
	if (buckets && memory_read(pid, at, buckets, head[0] * sizeof *buckets) != head[0] * sizeof *buckets)
		head[0] = 0;
	for (uint32_t i = 0; buckets && i < head[0]; i++)
		greatest = buckets[i] > greatest ? buckets[i] : greatest;
	free(buckets);
	/* Without a defined symbol, the table does not tell how many undefined ones there are. */
	if (greatest < head[1])
		return 0;
	while (greatest < SYMBOLS_MAX) {
		if (memory_read(pid, chains + (uint64_t)(greatest - head[1]) * sizeof link, &link, sizeof link) !=
		    sizeof link)
			return 0;
		greatest++;
		if (link & 1)
			return greatest;
	}
	return 0;
}

/* A copy of SIZE bytes of the process's memory; NULL if it can't be read. */
static void *copy(pid_t pid, uint64_t at, uint64_t size)
{
	void *bytes = at && size ? malloc(size + 1) : NULL;

	if (!bytes)
		return NULL;
	if (memory_read(pid, at, bytes, size) != size) {
		free(bytes);
		return NULL;
	}
	((char *)bytes)[size] = '\0';
	return bytes;
}

struct dynamic {
	uint64_t symbols, strings, strings_size, hash, gnu_hash, versions, lazy, lazy_size, lazy_kind, table,
		table_size, name;
};

static void read_dynamic(struct dynamic *dynamic, const struct loaded *object, pid_t pid)
{
	Elf64_Dyn items[DYNAMIC_MAX];
	size_t count = memory_read(pid, object->dynamic, items, sizeof items) / sizeof *items;

	*dynamic = (struct dynamic){.symbols = 0};
	for (size_t i = 0; i < count && items[i].d_tag != DT_NULL; i++) {
		uint64_t value = items[i].d_un.d_val, at = pointer(object, value);

		switch (items[i].d_tag) {
		case DT_SYMTAB:
			dynamic->symbols = at;
			break;
		case DT_STRTAB:
			dynamic->strings = at;
			break;
		case DT_STRSZ:
			dynamic->strings_size = value;
			break;
		case DT_HASH:
			dynamic->hash = at;
			break;
		case DT_GNU_HASH:
			dynamic->gnu_hash = at;
			break;
		case DT_VERSYM:
			dynamic->versions = at;
			break;
		case DT_JMPREL:
			dynamic->lazy = at;
			break;
		case DT_PLTRELSZ:
			dynamic->lazy_size = value;
			break;
		case DT_PLTREL:
			dynamic->lazy_kind = value;
			break;
		case DT_RELA:
			dynamic->table = at;
			break;
		case DT_RELASZ:
			dynamic->table_size = value;
			break;
		case DT_SONAME:
			dynamic->name = value;
			break;
		}
	}
}

/* How many symbols the relocations of a table speak of. */
static uint64_t count_by_relocations(pid_t pid, uint64_t at, uint64_t size)
{
	Elf64_Rela *items = size <= TABLE_MAX ? copy(pid, at, size) : NULL;
	uint64_t count = 0;

	for (size_t i = 0; items && i < size / sizeof *items; i++)
		count = ELF64_R_SYM(items[i].r_info) >= count ? ELF64_R_SYM(items[i].r_info) + 1 : count;
	free(items);
	return count;
}

static uint64_t count_symbols(pid_t pid, const struct dynamic *dynamic)
{
	uint64_t count = 0, other;
	uint32_t head[2];

	if (dynamic->hash && memory_read(pid, dynamic->hash, head, sizeof head) == sizeof head)
		return head[1];
	if (dynamic->gnu_hash)
		count = count_by_gnu_hash(pid, dynamic->gnu_hash);
	if (count)
		return count;
	count = count_by_relocations(pid, dynamic->table, dynamic->table_size);
	other = dynamic->lazy_kind == DT_RELA ? count_by_relocations(pid, dynamic->lazy, dynamic->lazy_size) : 0;
	return other > count ? other : count;
}

static void read_symbols(struct loaded *object, pid_t pid, const struct dynamic *dynamic)
{
	const uint64_t count = count_symbols(pid, dynamic);

	if (!count || count > SYMBOLS_MAX || dynamic->strings_size > STRINGS_MAX)
		return;
	object->symbols = copy(pid, dynamic->symbols, count * sizeof *object->symbols);
	object->strings = copy(pid, dynamic->strings, dynamic->strings_size);
	object->versions = copy(pid, dynamic->versions, count * sizeof *object->versions);
	if (!object->symbols || !object->strings)
		return;
	object->symbol_count = count;
	object->strings_size = dynamic->strings_size;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void recognise(struct loaded *object, const struct dynamic *dynamic)
{
	const char *name = dynamic->name && dynamic->name < object->strings_size ? object->strings + dynamic->name : "";
	const char *slash = strrchr(object->name, '/');

	if (!*name)
		name = slash ? slash + 1 : object->name;
	object->is_tracker = loaded_define(object, LM_ATTACH_BEGIN) != NULL;
	/* musl's loader is its libc. This is a stage of its start. */
	object->is_musl = begins(name, "ld-musl") || (begins(name, "libc.") && loaded_define(object, "__dls2b"));
	object->is_libc = object->is_musl || begins(name, "libc.so");
	object->is_loader = object->is_musl || begins(name, "ld-") || begins(name, "ld64");
}

static int read_object(struct loaded *object, pid_t pid, const struct link_map *map, const struct regions *regions)
{
	char name[PATH_MAX] = "";
	struct dynamic dynamic;
	int error;

	object->base = map->l_addr;
	object->dynamic = (uint64_t)(uintptr_t)map->l_ld;
	if (map->l_name)
		memory_read_string(pid, (uint64_t)(uintptr_t)map->l_name, name, sizeof name - 1);
	object->name = strdup(name);
	if (!object->name)
		return -ENOMEM;
	error = read_segments(object, pid, find_header(regions, object->dynamic));
	if (error)
		return error;
	read_dynamic(&dynamic, object, pid);
	read_symbols(object, pid, &dynamic);
	object->relocations = (struct loaded_table){dynamic.table, dynamic.table_size};
	if (dynamic.lazy_kind == DT_RELA)
		object->lazy = (struct loaded_table){dynamic.lazy, dynamic.lazy_size};
	recognise(object, &dynamic);
	return 0;
}

static void free_object(struct loaded *object)
{
	free(object->name);
	free(object->symbols);
	free(object->versions);
	free(object->strings);
}

/* ---- the list -------------------------------------------------------------------- */

static int add(struct loaded_list *list, uint64_t at, const struct link_map *map, const struct regions *regions)
{
	struct loaded *items = array_grow(list->items, &list->room, list->count + 1, sizeof *items);
	struct loaded object = {.map = at};
	int error;

	if (!items)
		return -ENOMEM;
	list->items = items;
	error = read_object(&object, list->pid, map, regions);
	/* An object that can't be read, such as one without sections in memory, has nothing for us. */
	if (error == -EINVAL) {
		free_object(&object);
		return 0;
	}
	if (error) {
		free_object(&object);
		return error;
	}
	items[list->count++] = object;
	return 0;
}

int loaded_read(struct loaded_list *list, pid_t pid, const struct regions *regions)
{
	struct link_map map;
	struct r_debug debug;
	uint64_t at;
	size_t seen = 0;
	int error = 0;

	*list = (struct loaded_list){.pid = pid, .debug = debug_of_program(pid)};
	/* A process that has ended has no memory any more. */
	if (!regions->count)
		return -ESRCH;
	if (!list->debug || memory_read(pid, list->debug, &debug, sizeof debug) != sizeof debug)
		return -ENOENT;
	at = (uint64_t)(uintptr_t)debug.r_map;
	while (!error && at && seen++ < OBJECTS_MAX) {
		if (memory_read(pid, at, &map, sizeof map) != sizeof map)
			error = -EFAULT;
		else
			error = add(list, at, &map, regions);
		at = (uint64_t)(uintptr_t)map.l_next;
	}
	if (!error && !list->count)
		error = -ENOENT;
	if (error)
		loaded_free(list);
	return error;
}

bool loaded_changes(const struct loaded_list *list)
{
	struct r_debug debug;

	return memory_read(list->pid, list->debug, &debug, sizeof debug) != sizeof debug ||
	       debug.r_state != RT_CONSISTENT;
}

void loaded_free(struct loaded_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_object(&list->items[i]);
	free(list->items);
	list->items = NULL;
	list->count = list->room = 0;
}

const struct loaded *loaded_at(const struct loaded_list *list, uint64_t address)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct loaded *object = &list->items[i];

		for (size_t j = 0; j < object->segment_count; j++) {
			if (address >= object->segments[j].start && address < object->segments[j].end)
				return object;
		}
	}
	return NULL;
}

const struct loaded *loaded_tracker(const struct loaded_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].is_tracker)
			return &list->items[i];
	}
	return NULL;
}

const struct loaded *loaded_libc(const struct loaded_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].is_libc)
			return &list->items[i];
	}
	return NULL;
}

/* ---- symbols --------------------------------------------------------------------- */

const char *loaded_symbol_name(const struct loaded *object, size_t index)
{
	if (index >= object->symbol_count || object->symbols[index].st_name >= object->strings_size)
		return "";
	return object->strings + object->symbols[index].st_name;
}

static bool is_function(const Elf64_Sym *symbol)
{
	int type = ELF64_ST_TYPE(symbol->st_info), binding = ELF64_ST_BIND(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_value && (type == STT_FUNC || type == STT_NOTYPE) &&
	       (binding == STB_GLOBAL || binding == STB_WEAK);
}

const Elf64_Sym *loaded_define(const struct loaded *object, const char *name)
{
	static const Elf64_Half hidden = 0x8000;

	for (size_t i = 0; i < object->symbol_count; i++) {
		if (object->versions && (object->versions[i] & hidden))
			continue;
		if (is_function(&object->symbols[i]) && strcmp(loaded_symbol_name(object, i), name) == 0)
			return &object->symbols[i];
	}
	return NULL;
}

uint64_t loaded_address(const struct loaded *object, const Elf64_Sym *symbol)
{
	return object->base + symbol->st_value;
}

uint64_t loaded_find(const struct loaded_list *list, const char *name, const struct loaded **definer)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct loaded *object = &list->items[i];
		const Elf64_Sym *symbol = object->is_tracker ? NULL : loaded_define(object, name);

		if (!symbol)
			continue;
		if (definer)
			*definer = object;
		return loaded_address(object, symbol);
	}
	return 0;
}
