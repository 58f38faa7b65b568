/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See elf_file.h. */
#include "elf_file.h"

#include <fcntl.h>

#include "map.h"
#include "stat.h"
#include "sys.h"

int lm_elf_read(int fd, void *buffer, size_t size, uint64_t offset)
{
	return lm_sys_pread(fd, buffer, size, offset) == (long)size ? 0 : -1;
}

/* ---- tables ---- */

struct lm_elf_table lm_elf_table(const struct lm_elf_file *file, uint64_t offset, size_t count, size_t size)
{
	return (struct lm_elf_table){.file = file, .offset = offset, .left = count, .size = size};
}

const void *lm_elf_next(struct lm_elf_table *table)
{
	size_t fitting = LM_ELF_ROOM / table->size, count = table->left < fitting ? table->left : fitting;
	const struct lm_elf_file *file = table->file;
	const char *entry;

	if (table->at == table->end) {
		if (!count || lm_elf_read(file->fd, file->room, count * table->size, table->offset) != 0)
			return NULL;
		table->offset += count * table->size;
		table->at = file->room;
		table->end = file->room + count * table->size;
	}
	entry = table->at;
	table->at += table->size;
	table->left--;
	return entry;
}

/* ---- is it the file that was loaded? ---- */

/* Does the segment of notes have the build-id? */
static int has_build_id(int fd, const ElfW(Phdr) * segment, const struct lm_loaded *loaded)
{
	uint8_t notes[256];

	/* What is looked for can lie across the end of a piece. So the pieces overlap. */
	for (uint64_t at = 0; at < segment->p_filesz; at += sizeof notes - LM_BUILD_ID_MAX) {
		uint64_t left = segment->p_filesz - at;
		size_t size = left < sizeof notes ? (size_t)left : sizeof notes;

		if (lm_elf_read(fd, notes, size, segment->p_offset + at) != 0)
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

static int is_same(const struct lm_elf_file *file, const struct lm_loaded *loaded)
{
	struct lm_elf_table segments;
	const ElfW(Phdr) * segment;

	if (!loaded->build_id_size)
		return has_stamp(file->fd, &loaded->stamp);
	if (file->header.e_phentsize != sizeof *segment)
		return 0;
	segments = lm_elf_table(file, file->header.e_phoff, file->header.e_phnum, sizeof *segment);
	while ((segment = lm_elf_next(&segments))) {
		if (segment->p_type == PT_NOTE && has_build_id(file->fd, segment, loaded))
			return 1;
	}
	return 0;
}

static int is_readable(struct lm_elf_file *file, const struct lm_loaded *loaded)
{
	const ElfW(Ehdr) *header = &file->header;
	int64_t size = lm_sys_seek(file->fd, 0, SEEK_END);

	if (size <= 0 || lm_elf_read(file->fd, &file->header, sizeof file->header, 0) != 0 ||
	    __builtin_memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
		return 0;
	file->size = (uint64_t)size;
	return is_same(file, loaded);
}

int lm_elf_open(struct lm_elf_file *file, const struct lm_module *module)
{
	/* O_NONBLOCK: by now, a FIFO may lie there. */
	const int how = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	file->fd = module->file ? lm_sys_open(module->file, how, 0) : -1;
	if (file->fd < 0)
		return -1;
	file->room = lm_sys_map(LM_ELF_ROOM);
	if (file->room && is_readable(file, &module->loaded))
		return 0;
	lm_elf_close(file);
	return -1;
}

void lm_elf_close(struct lm_elf_file *file)
{
	if (file->room)
		lm_sys_unmap(file->room, LM_ELF_ROOM);
	lm_sys_close(file->fd);
}

/* ---- sections ---- */

struct lm_elf_table lm_elf_sections(const struct lm_elf_file *file)
{
	const ElfW(Ehdr) *header = &file->header;
	size_t count = header->e_shentsize == sizeof(ElfW(Shdr)) ? header->e_shnum : 0;

	return lm_elf_table(file, header->e_shoff, count, sizeof(ElfW(Shdr)));
}

int lm_elf_section(const struct lm_elf_file *file, size_t number, ElfW(Shdr) * section)
{
	struct lm_elf_table sections = lm_elf_sections(file);

	if (number >= sections.left)
		return -1;
	return lm_elf_read(file->fd, section, sizeof *section, sections.offset + number * sizeof *section);
}

int lm_elf_has(const struct lm_elf_file *file, const ElfW(Shdr) * section)
{
	return section->sh_size && section->sh_size <= SIZE_MAX / 4 && section->sh_offset <= file->size &&
	       section->sh_size <= file->size - section->sh_offset;
}

/* Is the name at OFFSET in the file WANTED? */
static int is_named(const struct lm_elf_file *file, uint64_t offset, const char *wanted)
{
	size_t size = __builtin_strlen(wanted) + 1;
	char name[32];

	return size <= sizeof name && lm_elf_read(file->fd, name, size, offset) == 0 &&
	       __builtin_memcmp(name, wanted, size) == 0;
}

static int find(const struct lm_elf_file *file, const char *name, uint64_t *address, uint64_t *size)
{
	struct lm_elf_table sections = lm_elf_sections(file);
	const ElfW(Shdr) * section;
	ElfW(Shdr) names;

	if (lm_elf_section(file, file->header.e_shstrndx, &names) != 0)
		return -1;
	while ((section = lm_elf_next(&sections))) {
		if (!(section->sh_flags & SHF_ALLOC) || !is_named(file, names.sh_offset + section->sh_name, name))
			continue;
		*address = section->sh_addr;
		*size = section->sh_size;
		return 0;
	}
	return -1;
}

int lm_elf_find_section(const struct lm_module *module, const char *name, uint64_t *address, uint64_t *size)
{
	struct lm_elf_file file;
	int result;

	if (lm_elf_open(&file, module) != 0)
		return -1;
	result = find(&file, name, address, size);
	lm_elf_close(&file);
	return result;
}
