/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See symtab.h. The file is not trusted: it may have been replaced since it
 * was loaded, so its build-id has to match, and every offset is checked.
 */
#include "symtab.h"

#include <fcntl.h>
#include <link.h>
#include <stddef.h>

#include "sys.h"

/* A part of a file, mapped from the page that it begins in. */
struct part {
	void *map;
	size_t map_size;
	const void *data;
	size_t size;
};

struct lm_symtab {
	struct part symbols, strings;
	uint32_t *order; /* indices of functions, by address */
	size_t order_room;
	size_t count;
};

/* The table of every object whose symbols can't be read. */
static const struct lm_symtab nothing;

static int map_part(struct part *part, int fd, uint64_t offset, uint64_t size, uint64_t file_size)
{
	uint64_t page = offset & ~(uint64_t)0xffff;
	void *map;

	if (!size || offset > file_size || size > file_size - offset || size > SIZE_MAX - 0x10000)
		return -1;
	part->map_size = (size_t)(offset - page + size);
	map = lm_sys_map_nothing(part->map_size);
	if (!map)
		return -1;
	if (lm_sys_map_file(map, part->map_size, PROT_READ, MAP_PRIVATE, fd, page) != 0) {
		lm_sys_unmap(map, part->map_size);
		return -1;
	}
	part->map = map;
	part->data = (const char *)map + (offset - page);
	part->size = (size_t)size;
	return 0;
}

static void unmap_part(const struct part *part)
{
	if (part->map)
		lm_sys_unmap(part->map, part->map_size);
}

static int read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	return lm_sys_pread(fd, buffer, size, offset) == (long)size ? 0 : -1;
}

/* Is FD's file still the one that was loaded? Without a build-id to compare, it is taken to be. */
static int same_build(int fd, const ElfW(Ehdr) * header, const struct lm_module *module)
{
	ElfW(Phdr) segment;
	uint8_t notes[1024];

	if (!module->build_id_size)
		return 1;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		size_t size;

		if (read_at(fd, &segment, sizeof segment, header->e_phoff + (uint64_t)i * header->e_phentsize) != 0)
			return 0;
		if (segment.p_type != PT_NOTE)
			continue;
		size = segment.p_filesz < sizeof notes ? segment.p_filesz : sizeof notes;
		if (read_at(fd, notes, size, segment.p_offset) != 0)
			return 0;
		for (size_t at = 0; at + module->build_id_size <= size; at += 4) {
			if (__builtin_memcmp(notes + at, module->build_id, module->build_id_size) == 0)
				return 1;
		}
	}
	return 0;
}

static const ElfW(Sym) * symbol(const struct lm_symtab *symtab, size_t index)
{
	return (const ElfW(Sym) *)symtab->symbols.data + index;
}

static int is_function(const ElfW(Sym) * sym)
{
	unsigned type = sym->st_info & 15;

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF && sym->st_value;
}

static uint64_t address_at(const struct lm_symtab *symtab, size_t place)
{
	return symbol(symtab, symtab->order[place])->st_value;
}

static void sift_down(struct lm_symtab *symtab, size_t root, size_t count)
{
	uint32_t moved = symtab->order[root];
	uint64_t address = symbol(symtab, moved)->st_value;

	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && address_at(symtab, child + 1) > address_at(symtab, child))
			child++;
		if (address_at(symtab, child) <= address)
			break;
		symtab->order[root] = symtab->order[child];
	}
	symtab->order[root] = moved;
}

/* Heapsort: qsort() may call malloc. */
static void sort(struct lm_symtab *symtab)
{
	size_t count = symtab->count;

	for (size_t i = count / 2; i-- > 0;)
		sift_down(symtab, i, count);
	while (count > 1) {
		uint32_t last = symtab->order[--count];

		symtab->order[count] = symtab->order[0];
		symtab->order[0] = last;
		sift_down(symtab, 0, count);
	}
}

static int make_order(struct lm_symtab *symtab)
{
	size_t total = symtab->symbols.size / sizeof(ElfW(Sym));

	for (size_t i = 0; i < total; i++)
		symtab->count += is_function(symbol(symtab, i));
	if (!symtab->count)
		return -1;
	symtab->order_room = symtab->count * sizeof *symtab->order;
	symtab->order = lm_sys_map(symtab->order_room);
	if (!symtab->order)
		return -1;
	symtab->count = 0;
	for (size_t i = 0; i < total; i++) {
		if (is_function(symbol(symtab, i)))
			symtab->order[symtab->count++] = (uint32_t)i;
	}
	sort(symtab);
	return 0;
}

static int map_tables(struct lm_symtab *symtab, int fd, const ElfW(Ehdr) * header, uint64_t file_size)
{
	ElfW(Shdr) section, table = {.sh_type = SHT_NULL}, strings;

	if (header->e_shentsize != sizeof section)
		return -1;
	for (unsigned i = 0; i < header->e_shnum; i++) {
		if (read_at(fd, &section, sizeof section, header->e_shoff + (uint64_t)i * sizeof section) != 0)
			return -1;
		if (section.sh_type == SHT_SYMTAB || (section.sh_type == SHT_DYNSYM && table.sh_type == SHT_NULL))
			table = section;
	}
	if (table.sh_type == SHT_NULL || table.sh_entsize != sizeof(ElfW(Sym)) || table.sh_link >= header->e_shnum ||
	    read_at(fd, &strings, sizeof strings, header->e_shoff + (uint64_t)table.sh_link * sizeof strings) != 0)
		return -1;
	if (map_part(&symtab->symbols, fd, table.sh_offset, table.sh_size, file_size) != 0 ||
	    map_part(&symtab->strings, fd, strings.sh_offset, strings.sh_size, file_size) != 0)
		return -1;
	return make_order(symtab);
}

static int read_file(struct lm_symtab *symtab, int fd, const struct lm_module *module)
{
	long file_size = lm_sys(SYS_lseek, fd, 0L, SEEK_END);
	ElfW(Ehdr) header;

	if (file_size <= 0 || read_at(fd, &header, sizeof header, 0) != 0 ||
	    __builtin_memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return -1;
	if (!same_build(fd, &header, module))
		return -1;
	return map_tables(symtab, fd, &header, (uint64_t)file_size);
}

const struct lm_symtab *lm_symtab_open(const struct lm_module *module)
{
	struct lm_symtab *symtab;
	int fd;

	if (!module->file)
		return &nothing;
	fd = lm_sys_open(module->file, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	if (fd < 0)
		return &nothing;
	symtab = lm_sys_map(sizeof *symtab);
	if (symtab && read_file(symtab, fd, module) != 0) {
		lm_symtab_close(symtab);
		symtab = NULL;
	}
	lm_sys_close(fd);
	return symtab ? symtab : &nothing;
}

void lm_symtab_close(const struct lm_symtab *symtab)
{
	if (symtab == &nothing)
		return;
	unmap_part(&symtab->symbols);
	unmap_part(&symtab->strings);
	if (symtab->order)
		lm_sys_unmap(symtab->order, symtab->order_room);
	lm_sys_unmap((void *)symtab, sizeof *symtab);
}

static const char *name_of(const struct lm_symtab *symtab, const ElfW(Sym) * sym)
{
	const char *strings = symtab->strings.data;
	size_t room = symtab->strings.size;

	if (sym->st_name >= room || !__builtin_memchr(strings + sym->st_name, '\0', room - sym->st_name))
		return NULL;
	return strings[sym->st_name] ? strings + sym->st_name : NULL;
}

static unsigned leading_underscores(const char *name)
{
	unsigned n = 0;

	while (name[n] == '_')
		n++;
	return n;
}

/* Of two names for one address, the better one to read: exported, without underscores, short. */
static int better(const struct lm_symtab *symtab, const ElfW(Sym) * a, const ElfW(Sym) * b)
{
	const char *name_a = name_of(symtab, a), *name_b = name_of(symtab, b);
	int local_a = a->st_info >> 4 == STB_LOCAL, local_b = b->st_info >> 4 == STB_LOCAL;

	if (!name_a || !name_b)
		return name_a != NULL;
	if (local_a != local_b)
		return local_b;
	if (leading_underscores(name_a) != leading_underscores(name_b))
		return leading_underscores(name_a) < leading_underscores(name_b);
	if (__builtin_strlen(name_a) != __builtin_strlen(name_b))
		return __builtin_strlen(name_a) < __builtin_strlen(name_b);
	return __builtin_strcmp(name_a, name_b) < 0;
}

/* The last place whose address is not above ADDRESS, plus one. */
static size_t places_up_to(const struct lm_symtab *symtab, uint64_t address)
{
	size_t low = 0, high = symtab->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address_at(symtab, middle) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *lm_symtab_find(const struct lm_symtab *symtab, uint64_t address, uint64_t *start)
{
	size_t place = places_up_to(symtab, address);
	const ElfW(Sym) * best;

	if (!place)
		return NULL;
	best = symbol(symtab, symtab->order[--place]);
	while (place > 0 && address_at(symtab, place - 1) == best->st_value) {
		const ElfW(Sym) *other = symbol(symtab, symtab->order[--place]);

		if (better(symtab, other, best))
			best = other;
	}
	/* Assembly's symbols have no size and reach to the next one. */
	if (best->st_size && address - best->st_value >= best->st_size)
		return NULL;
	*start = best->st_value;
	return name_of(symtab, best);
}
