/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a library that is not sound out of one that is, so that it still loads and runs.
 *
 *     damage_library FROM TO count NUMBER        the table of .eh_frame_hdr says that it has NUMBER entries
 *     damage_library FROM TO entries ADDRESS     each of its entries leads to ADDRESS
 *     damage_library FROM TO header ADDRESS      PT_GNU_EH_FRAME says that the header is at ADDRESS
 *     damage_library FROM TO notes ADDRESS SIZE  each PT_NOTE says that there are SIZE bytes of notes at ADDRESS
 *     damage_library FROM TO expressions SIZE    each expression of five bytes of padding says that it has SIZE bytes
 *     damage_library FROM TO lengths SIZE        each entry of .eh_frame says that it has SIZE bytes
 *     damage_library FROM TO noise SEED          some bytes of .eh_frame_hdr, .eh_frame and the notes are others
 *     damage_library FROM TO cut                 the file ends where its last segment does
 */
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *file;
static size_t size;

static void fail(const char *why)
{
	fprintf(stderr, "damage_library: %s\n", why);
	exit(2);
}

static void read_file(const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f || fseek(f, 0, SEEK_END) != 0)
		fail("can't read the library");
	size = (size_t)ftell(f);
	file = malloc(size);
	rewind(f);
	if (!file || fread(file, 1, size, f) != size)
		fail("can't read the library");
	fclose(f);
}

static void write_file(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(file, 1, size, f) != size || fclose(f) != 0)
		fail("can't write the library");
}

static ElfW(Ehdr) * elf(void)
{
	return (ElfW(Ehdr) *)(void *)file;
}

static ElfW(Phdr) * segment(unsigned i)
{
	return (ElfW(Phdr) *)(void *)(file + elf()->e_phoff) + i;
}

static const ElfW(Shdr) * section(const char *name)
{
	const ElfW(Shdr) *sections = (const void *)(file + elf()->e_shoff);
	const char *names = (const char *)file + sections[elf()->e_shstrndx].sh_offset;

	for (unsigned i = 0; i < elf()->e_shnum; i++) {
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return &sections[i];
	}
	fail("a section is missing");
	return NULL;
}

static void put(size_t at, uint32_t value)
{
	memcpy(file + at, &value, sizeof value);
}

static uint32_t get(size_t at)
{
	uint32_t value;

	memcpy(&value, file + at, sizeof value);
	return value;
}

static void damage_entries(uint32_t address)
{
	const ElfW(Shdr) *header = section(".eh_frame_hdr");

	for (uint32_t i = 0; i < get(header->sh_offset + 8); i++)
		put(header->sh_offset + 12 + 8 * i + 4, address - (uint32_t)header->sh_addr);
}

static void damage_segments(uint32_t type, uintptr_t address, size_t bytes)
{
	for (unsigned i = 0; i < elf()->e_phnum; i++) {
		if (segment(i)->p_type != type)
			continue;
		segment(i)->p_vaddr = address;
		if (type == PT_NOTE)
			segment(i)->p_offset = address;
		if (bytes)
			segment(i)->p_filesz = segment(i)->p_memsz = bytes;
	}
}

/* 0x0f is DW_CFA_def_cfa_expression; the length that follows has five bytes. */
static void damage_expressions(uint32_t bytes)
{
	static const unsigned char opening[] = {0x0f, 0x84, 0x80, 0x80, 0x80, 0x00};
	const ElfW(Shdr) *frames = section(".eh_frame");
	unsigned char *at = file + frames->sh_offset;
	int found = 0;

	for (size_t i = 0; i + sizeof opening <= frames->sh_size; i++) {
		if (memcmp(at + i, opening, sizeof opening) != 0)
			continue;
		for (unsigned group = 0; group < 5; group++)
			at[i + 1 + group] = (unsigned char)((bytes >> (7 * group) & 0x7f) | (group < 4 ? 0x80 : 0));
		found = 1;
	}
	if (!found)
		fail("there is no such expression");
}

static void damage_lengths(uint32_t bytes)
{
	const ElfW(Shdr) *frames = section(".eh_frame");
	size_t at = frames->sh_offset, end = at + frames->sh_size;

	while (at + 4 < end && get(at)) {
		size_t next = at + 4 + get(at);

		put(at, bytes);
		at = next;
	}
}

static void damage_by_chance(const char *name, uint64_t *random)
{
	const ElfW(Shdr) *where = section(name);

	for (unsigned i = 0; i < 1 + where->sh_size / 16; i++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		file[where->sh_offset + (*random >> 32) % where->sh_size] = (unsigned char)(*random >> 24);
	}
}

static void cut(void)
{
	size_t end = 0;

	for (unsigned i = 0; i < elf()->e_phnum; i++) {
		if (segment(i)->p_type == PT_LOAD && segment(i)->p_offset + segment(i)->p_filesz > end)
			end = segment(i)->p_offset + segment(i)->p_filesz;
	}
	size = end;
}

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "";
	unsigned long value = argc > 4 ? strtoul(argv[4], NULL, 0) : 0;
	uint64_t random = value;

	if (argc < 4)
		return 2;
	read_file(argv[1]);
	if (strcmp(how, "count") == 0)
		put(section(".eh_frame_hdr")->sh_offset + 8, (uint32_t)value);
	else if (strcmp(how, "entries") == 0)
		damage_entries((uint32_t)value);
	else if (strcmp(how, "header") == 0)
		damage_segments(PT_GNU_EH_FRAME, value, 0);
	else if (strcmp(how, "notes") == 0 && argc > 5)
		damage_segments(PT_NOTE, value, strtoul(argv[5], NULL, 0));
	else if (strcmp(how, "expressions") == 0)
		damage_expressions((uint32_t)value);
	else if (strcmp(how, "lengths") == 0)
		damage_lengths((uint32_t)value);
	else if (strcmp(how, "cut") == 0)
		cut();
	else if (strcmp(how, "noise") != 0)
		fail("there is no such damage");
	if (strcmp(how, "noise") == 0) {
		damage_by_chance(".eh_frame_hdr", &random);
		damage_by_chance(".eh_frame", &random);
		damage_by_chance(".note.gnu.build-id", &random);
	}
	write_file(argv[2]);
	return 0;
}
