/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See symtab.h. What is needed of the file is copied (elf_file.h). Only long tables of names stay mapped, and each name
 * is tested before it is read.
 */
#include "symtab.h"

#include <stddef.h>
#include <sys/mman.h>

#include "arena.h"
#include "elf_file.h"
#include "map.h"
#include "sys.h"

/* Up to this size, names are copied. */
#define COPIED_MAX ((size_t)256 << 10)
/* Functions are sorted by so many bits of their addresses at a time. */
#define DIGIT_BITS 11
#define DIGITS     ((size_t)1 << DIGIT_BITS)

struct function {
	uint64_t address;
	uint32_t size; /* in bytes; FUNCTION_SIZE_MAX: at least so many */
	uint32_t is_local : 1, name : 31;
};

#define FUNCTION_SIZE_MAX UINT32_MAX
#define NAME_MAX_OFFSET   (UINT32_MAX >> 1)

struct lm_symtab {
	struct function *functions; /* by address */
	size_t count;
	const char *names;
	size_t names_size;
	void *map; /* MAP_SIZE bytes with the names; NULL: they are copied */
	size_t map_size;
};

/* The bits of a function's address that tell how its code is encoded, where there are two encodings. */
#if defined __arm__ || defined __mips__
#define ENCODING ((uintptr_t)1)
#else
#define ENCODING ((uintptr_t)0)
#endif

/* The table of every object whose symbols can't be read. */
static const struct lm_symtab nothing;

/* ---- functions ---- */

static size_t digit_of(const struct function *function, unsigned shift)
{
	return function->address >> shift & (DIGITS - 1);
}

/* Copies COUNT functions by the digit of their addresses at SHIFT. Those with the same one stay in their order. */
static void distribute(struct function *to, const struct function *from, size_t count, unsigned shift, size_t *places)
{
	size_t place = 0;

	__builtin_memset(places, 0, DIGITS * sizeof *places);
	for (size_t i = 0; i < count; i++)
		places[digit_of(&from[i], shift)]++;
	for (size_t digit = 0; digit < DIGITS; digit++) {
		size_t alike = places[digit];

		places[digit] = place;
		place += alike;
	}
	for (size_t i = 0; i < count; i++)
		to[places[digit_of(&from[i], shift)]++] = from[i];
}

/*
 * Sorts COUNT functions by their addresses into SORTED, by one digit after the other: qsort() may call malloc, and a
 * sort that compares takes several times as long. What FUNCTIONS and PLACES had, DIGITS of them, is lost.
 */
static void sort(struct function *sorted, struct function *functions, size_t count, size_t *places)
{
	struct function *from = functions, *to = sorted;
	uint64_t differing = 0;

	for (size_t i = 1; i < count; i++)
		differing |= functions[i].address ^ functions[0].address;
	for (unsigned shift = 0; shift < 64 && differing >> shift; shift += DIGIT_BITS) {
		struct function *swapped = from;

		distribute(to, from, count, shift, places);
		from = to;
		to = swapped;
	}
	if (from != sorted)
		__builtin_memcpy(sorted, from, count * sizeof *sorted);
}

static int is_function(const ElfW(Sym) * sym)
{
	unsigned type = sym->st_info & 15;

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF && sym->st_value &&
	       sym->st_name <= NAME_MAX_OFFSET;
}

static struct function function_of(const ElfW(Sym) * sym)
{
	return (struct function){.address = sym->st_value & ~ENCODING,
	                         .size = sym->st_size < FUNCTION_SIZE_MAX ? (uint32_t)sym->st_size : FUNCTION_SIZE_MAX,
	                         .is_local = sym->st_info >> 4 == STB_LOCAL,
	                         .name = sym->st_name & NAME_MAX_OFFSET};
}

/* Puts the functions of a table of SYMBOLS into FUNCTIONS, where there is room for all. 0, or -1: it can't be read. */
static int read_functions(struct function *functions, size_t *count, struct lm_elf_table *symbols)
{
	const ElfW(Sym) * sym;

	*count = 0;
	while ((sym = lm_elf_next(symbols))) {
		if (is_function(sym))
			functions[(*count)++] = function_of(sym);
	}
	return symbols->left ? -1 : 0;
}

/* UNSORTED: room for as many functions as there are symbols. */
static int sort_functions(struct lm_symtab *symtab, struct lm_elf_table *symbols, struct function *unsorted)
{
	if (read_functions(unsorted, &symtab->count, symbols) != 0 || !symtab->count)
		return -1;
	symtab->functions = lm_arena_alloc(symtab->count * sizeof *symtab->functions);
	if (!symtab->functions)
		return -1;
	/* All symbols were read. So the file's room is free for something else. */
	sort(symtab->functions, unsorted, symtab->count, (size_t *)(void *)symbols->file->room);
	return 0;
}

static int make_functions(struct lm_symtab *symtab, const struct lm_elf_file *file, const ElfW(Shdr) * section)
{
	struct lm_elf_table symbols;
	struct function *unsorted;
	size_t size;
	int result;

	symbols = lm_elf_table(file, section->sh_offset, (size_t)(section->sh_size / sizeof(ElfW(Sym))),
	                       sizeof(ElfW(Sym)));
	size = symbols.left * sizeof *unsorted;
	unsorted = lm_sys_map(size);
	if (!unsorted)
		return -1;
	result = sort_functions(symtab, &symbols, unsorted);
	lm_sys_unmap(unsorted, size);
	return result;
}

/* ---- names ---- */

static int copy_names(struct lm_symtab *symtab, int fd, uint64_t offset)
{
	char *copy = lm_arena_alloc(symtab->names_size);

	symtab->names = copy;
	return copy ? lm_elf_read(fd, copy, symtab->names_size, offset) : -1;
}

static int map_names(struct lm_symtab *symtab, int fd, uint64_t offset)
{
	uint64_t start = offset & ~(uint64_t)(LM_SYS_PAGE_MAX - 1);

	symtab->map_size = (size_t)(offset - start) + symtab->names_size;
	symtab->map = lm_sys_map_nothing(symtab->map_size);
	if (!symtab->map)
		return -1;
	symtab->names = (const char *)symtab->map + (offset - start);
	return lm_sys_map_file(symtab->map, symtab->map_size, PROT_READ, MAP_PRIVATE, fd, start);
}

static int make_names(struct lm_symtab *symtab, int fd, const ElfW(Shdr) * strings)
{
	symtab->names_size = (size_t)strings->sh_size;
	return symtab->names_size <= COPIED_MAX ? copy_names(symtab, fd, strings->sh_offset)
	                                        : map_names(symtab, fd, strings->sh_offset);
}

/* Can all bytes of NAME up to its end be read? The end has to lie in the table. */
static int is_sound(const struct lm_symtab *symtab, const char *name)
{
	const char *end = symtab->names + symtab->names_size;

	while (name < end) {
		uintptr_t page_end = ((uintptr_t)name | 4095) + 1;
		size_t room = page_end < (uintptr_t)end ? page_end - (uintptr_t)name : (size_t)(end - name);

		if (symtab->map && !lm_sys_readable((uintptr_t)name))
			return 0;
		if (__builtin_memchr(name, '\0', room))
			return 1;
		name += room;
	}
	return 0;
}

/* ---- one object's table ---- */

/* The table of symbols, or else that of dynamic ones, and the table of their names. 0, or -1. */
static int find_tables(const struct lm_elf_file *file, ElfW(Shdr) * table, ElfW(Shdr) * strings)
{
	struct lm_elf_table sections = lm_elf_sections(file);
	const ElfW(Shdr) * section;

	table->sh_type = SHT_NULL;
	while ((section = lm_elf_next(&sections))) {
		if (section->sh_type == SHT_SYMTAB || (section->sh_type == SHT_DYNSYM && table->sh_type == SHT_NULL))
			*table = *section;
	}
	if (sections.left || table->sh_type == SHT_NULL || table->sh_entsize != sizeof(ElfW(Sym)))
		return -1;
	return lm_elf_section(file, table->sh_link, strings);
}

static int read_file(struct lm_symtab *symtab, const struct lm_elf_file *file)
{
	ElfW(Shdr) table, strings;

	if (find_tables(file, &table, &strings) != 0 || !lm_elf_has(file, &table) || !lm_elf_has(file, &strings))
		return -1;
	return make_functions(symtab, file, &table) == 0 ? make_names(symtab, file->fd, &strings) : -1;
}

const struct lm_symtab *lm_symtab_open(const struct lm_module *module)
{
	struct lm_elf_file file;
	struct lm_symtab *symtab;

	if (lm_elf_open(&file, module) != 0)
		return &nothing;
	symtab = lm_arena_alloc(sizeof *symtab);
	if (symtab && read_file(symtab, &file) != 0) {
		lm_symtab_close(symtab);
		symtab = NULL;
	}
	lm_elf_close(&file);
	return symtab ? symtab : &nothing;
}

void lm_symtab_close(const struct lm_symtab *symtab)
{
	struct lm_symtab *open = (struct lm_symtab *)symtab;

	/* The rest belongs to the arena. */
	if (!open->map)
		return;
	lm_sys_unmap(open->map, open->map_size);
	open->map = NULL;
}

/* ---- lookups ---- */

static const char *name_of(const struct lm_symtab *symtab, const struct function *function)
{
	const char *name = symtab->names + function->name;

	return function->name < symtab->names_size && is_sound(symtab, name) && *name ? name : NULL;
}

static unsigned leading_underscores(const char *name)
{
	unsigned n = 0;

	while (name[n] == '_')
		n++;
	return n;
}

/* Of two names for one address, the better one to read: exported, without underscores, short. */
static int better(const struct lm_symtab *symtab, const struct function *a, const struct function *b)
{
	const char *name_a = name_of(symtab, a), *name_b = name_of(symtab, b);

	if (!name_a || !name_b)
		return name_a != NULL;
	if (a->is_local != b->is_local)
		return b->is_local;
	if (leading_underscores(name_a) != leading_underscores(name_b))
		return leading_underscores(name_a) < leading_underscores(name_b);
	if (__builtin_strlen(name_a) != __builtin_strlen(name_b))
		return __builtin_strlen(name_a) < __builtin_strlen(name_b);
	return __builtin_strcmp(name_a, name_b) < 0;
}

/* How many functions begin at ADDRESS or below. */
static size_t count_up_to(const struct lm_symtab *symtab, uint64_t address)
{
	size_t low = 0, high = symtab->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symtab->functions[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *lm_symtab_find(const struct lm_symtab *symtab, uint64_t address, uint64_t *start)
{
	size_t place = count_up_to(symtab, address);
	const struct function *best;

	if (!place)
		return NULL;
	best = &symtab->functions[--place];
	while (place > 0 && symtab->functions[place - 1].address == best->address) {
		const struct function *other = &symtab->functions[--place];

		if (better(symtab, other, best))
			best = other;
	}
	/* Assembly's symbols have no size and reach to the next one. */
	if (best->size && best->size != FUNCTION_SIZE_MAX && address - best->address >= best->size)
		return NULL;
	*start = best->address;
	return name_of(symtab, best);
}
