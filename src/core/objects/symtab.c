/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See symtab.h. The file is not trusted: it may have been replaced since it was
 * loaded, so its identity has to match, and every offset is checked. It can also
 * be cut at any time (strip(1) writes into the file that it strips). So what is
 * needed of it is copied. Only long tables of names stay mapped, and each name is
 * tested before it is read.
 */
#include "symtab.h"

#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <sys/mman.h>

#include "arena.h"
#include "map.h"
#include "stat.h"
#include "sys.h"

/* Up to this size, names are copied. */
#define COPIED_MAX ((size_t)256 << 10)
/* The file is read in pieces of this size. */
#define PIECE ((size_t)64 << 10)

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

/* ---- the file ---- */

static int read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	return lm_sys_pread(fd, buffer, size, offset) == (long)size ? 0 : -1;
}

/* Does the segment of notes have the build-id? */
static int has_build_id(int fd, const ElfW(Phdr) * segment, const struct lm_loaded *loaded)
{
	uint8_t notes[256];

	/* What is looked for can lie across the end of a piece. So the pieces overlap. */
	for (uint64_t at = 0; at < segment->p_filesz; at += sizeof notes - LM_BUILD_ID_MAX) {
		uint64_t left = segment->p_filesz - at;
		size_t size = left < sizeof notes ? (size_t)left : sizeof notes;

		if (read_at(fd, notes, size, segment->p_offset + at) != 0)
			return 0;
		for (size_t i = 0; i + loaded->build_id_size <= size; i += 4) {
			if (__builtin_memcmp(notes + i, loaded->build_id, loaded->build_id_size) == 0)
				return 1;
		}
	}
	return 0;
}

static int has_stamp(int fd, const struct lm_stamp *stamp)
{
	int saved = errno, result;
	struct stat file;

	result = fstat(fd, &file) == 0 && file.st_ino == stamp->inode && (uint64_t)file.st_size == stamp->size &&
	         lm_stat_seconds(&file) == stamp->seconds && lm_stat_nanoseconds(&file) == stamp->nanoseconds;
	errno = saved;
	return result;
}

/* Is FD's file still the one that was loaded? */
static int is_same_file(int fd, const ElfW(Ehdr) * header, const struct lm_loaded *loaded)
{
	ElfW(Phdr) segment;

	if (!loaded->build_id_size)
		return has_stamp(fd, &loaded->stamp);
	if (header->e_phentsize != sizeof segment)
		return 0;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (read_at(fd, &segment, sizeof segment, header->e_phoff + (uint64_t)i * sizeof segment) != 0)
			return 0;
		if (segment.p_type == PT_NOTE && has_build_id(fd, &segment, loaded))
			return 1;
	}
	return 0;
}

/* ---- functions ---- */

static void sift_down(struct function *functions, size_t root, size_t count)
{
	struct function moved = functions[root];

	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && functions[child + 1].address > functions[child].address)
			child++;
		if (functions[child].address <= moved.address)
			break;
		functions[root] = functions[child];
	}
	functions[root] = moved;
}

/* Heapsort: qsort() may call malloc. */
static void sort(struct function *functions, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(functions, i, count);
	while (count > 1) {
		struct function last = functions[--count];

		functions[count] = functions[0];
		functions[0] = last;
		sift_down(functions, 0, count);
	}
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

/*
 * Counts the functions, and puts at most MAX of them into FUNCTIONS. PIECE bytes at ROOM are used to read the symbols.
 * 0, or -1: the file can't be read.
 */
static int read_functions(struct function *functions, size_t max, size_t *found, int fd, const ElfW(Shdr) * table,
                          ElfW(Sym) * room)
{
	size_t left = (size_t)(table->sh_size / sizeof *room);
	uint64_t offset = table->sh_offset;

	*found = 0;
	while (left) {
		size_t count = left < PIECE / sizeof *room ? left : PIECE / sizeof *room;

		if (read_at(fd, room, count * sizeof *room, offset) != 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			if (!is_function(&room[i]))
				continue;
			if (*found < max)
				functions[*found] = function_of(&room[i]);
			++*found;
		}
		left -= count;
		offset += count * sizeof *room;
	}
	return 0;
}

/* The file may change between the first look, which counts, and the second one. */
static int copy_functions(struct lm_symtab *symtab, int fd, const ElfW(Shdr) * table, ElfW(Sym) * room)
{
	size_t count, again;

	if (read_functions(NULL, 0, &count, fd, table, room) != 0 || !count)
		return -1;
	symtab->functions = lm_arena_alloc(count * sizeof *symtab->functions);
	if (!symtab->functions || read_functions(symtab->functions, count, &again, fd, table, room) != 0)
		return -1;
	symtab->count = again < count ? again : count;
	sort(symtab->functions, symtab->count);
	return 0;
}

static int make_functions(struct lm_symtab *symtab, int fd, const ElfW(Shdr) * table)
{
	ElfW(Sym) *room = lm_sys_map(PIECE);
	int result;

	if (!room)
		return -1;
	result = copy_functions(symtab, fd, table, room);
	lm_sys_unmap(room, PIECE);
	return result;
}

/* ---- names ---- */

static int copy_names(struct lm_symtab *symtab, int fd, uint64_t offset)
{
	char *copy = lm_arena_alloc(symtab->names_size);

	symtab->names = copy;
	return copy ? read_at(fd, copy, symtab->names_size, offset) : -1;
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

static int is_in_file(const ElfW(Shdr) * section, uint64_t file_size)
{
	return section->sh_size && section->sh_size <= SIZE_MAX / 4 && section->sh_offset <= file_size &&
	       section->sh_size <= file_size - section->sh_offset;
}

static int read_tables(struct lm_symtab *symtab, int fd, const ElfW(Ehdr) * header, uint64_t file_size)
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
	    read_at(fd, &strings, sizeof strings, header->e_shoff + (uint64_t)table.sh_link * sizeof strings) != 0 ||
	    !is_in_file(&table, file_size) || !is_in_file(&strings, file_size))
		return -1;
	return make_functions(symtab, fd, &table) == 0 ? make_names(symtab, fd, &strings) : -1;
}

/* Reads the header of the file that LOADED was loaded from. 0, or -1: FD is another one. */
static int read_header(int fd, ElfW(Ehdr) * header, const struct lm_loaded *loaded)
{
	if (read_at(fd, header, sizeof *header, 0) != 0 || __builtin_memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return -1;
	return is_same_file(fd, header, loaded) ? 0 : -1;
}

static int read_file(struct lm_symtab *symtab, int fd, const struct lm_loaded *loaded)
{
	int64_t file_size = lm_sys_seek(fd, 0, SEEK_END);
	ElfW(Ehdr) header;

	if (file_size <= 0 || read_header(fd, &header, loaded) != 0)
		return -1;
	return read_tables(symtab, fd, &header, (uint64_t)file_size);
}

/* O_NONBLOCK: by now, a FIFO may lie there. */
static int open_file(const char *file)
{
	return lm_sys_open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
}

const struct lm_symtab *lm_symtab_open(const struct lm_module *module)
{
	struct lm_symtab *symtab;
	int fd;

	if (!module->file)
		return &nothing;
	fd = open_file(module->file);
	if (fd < 0)
		return &nothing;
	symtab = lm_arena_alloc(sizeof *symtab);
	if (symtab && read_file(symtab, fd, &module->loaded) != 0) {
		lm_symtab_close(symtab);
		symtab = NULL;
	}
	lm_sys_close(fd);
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

/* ---- sections ---- */

static int read_section(int fd, const ElfW(Ehdr) * header, unsigned i, ElfW(Shdr) * section)
{
	return read_at(fd, section, sizeof *section, header->e_shoff + (uint64_t)i * sizeof *section);
}

/* Is the name at OFFSET in the file WANTED, whose length with its end is SIZE? */
static int is_named(int fd, uint64_t offset, const char *wanted, size_t size)
{
	char name[32];

	return size <= sizeof name && read_at(fd, name, size, offset) == 0 && __builtin_memcmp(name, wanted, size) == 0;
}

int lm_symtab_section(const struct lm_module *module, const char *name, uint64_t *address, uint64_t *size)
{
	size_t length = __builtin_strlen(name) + 1;
	ElfW(Shdr) section, names;
	int fd, result = -1;
	ElfW(Ehdr) header;

	fd = module->file ? open_file(module->file) : -1;
	if (fd < 0)
		return -1;
	if (read_header(fd, &header, &module->loaded) == 0 && header.e_shentsize == sizeof section &&
	    header.e_shstrndx < header.e_shnum && read_section(fd, &header, header.e_shstrndx, &names) == 0) {
		for (unsigned i = 0; i < header.e_shnum && result != 0; i++) {
			if (read_section(fd, &header, i, &section) != 0)
				break;
			if (!(section.sh_flags & SHF_ALLOC) ||
			    !is_named(fd, names.sh_offset + section.sh_name, name, length))
				continue;
			*address = section.sh_addr;
			*size = section.sh_size;
			result = 0;
		}
	}
	lm_sys_close(fd);
	return result;
}
