/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See headers.h. */
#include "headers.h"

#include <sys/auxv.h>

#include "sys.h"

/* The smallest page that there is. */
#define PAGE ((uint64_t)4096)
/* More headers than any linker makes. */
#define HEADERS_MAX 512
/* Notes are looked at up to here. */
#define NOTES_MAX ((size_t)64 << 10)
/* Other machines have other names for this number, and do not look for what it points to. */
#define EXIDX (PT_LOPROC + 1)

static int is_header(const ElfW(Ehdr) * elf)
{
	return __builtin_memcmp(elf->e_ident, ELFMAG, SELFMAG) == 0 &&
	       elf->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
	       elf->e_phentsize == sizeof(ElfW(Phdr)) && elf->e_phnum && elf->e_phnum <= HEADERS_MAX;
}

static int read_one(const struct lm_headers *headers, unsigned i, ElfW(Phdr) * header)
{
	size_t offset = i * sizeof *header;

	if (headers->at)
		return lm_image_read_any(header, headers->at + offset, sizeof *header);
	return lm_sys_pread(headers->fd, header, sizeof *header, headers->offset + offset) == sizeof *header ? 0 : -1;
}

int lm_headers_first(const struct lm_headers *headers, ElfW(Phdr) * first)
{
	ElfW(Phdr) header;
	int found = -1;

	for (unsigned i = 0; i < headers->count; i++) {
		if (read_one(headers, i, &header) != 0)
			return -1;
		if (header.p_type != PT_LOAD || (found == 0 && header.p_vaddr >= first->p_vaddr))
			continue;
		*first = header;
		found = 0;
	}
	return found;
}

int lm_headers_in_memory(struct lm_headers *headers, uintptr_t start)
{
	ElfW(Ehdr) elf;
	ElfW(Phdr) first;
	uint64_t size;

	if (lm_image_read_any(&elf, start, sizeof elf) != 0 || !is_header(&elf))
		return -1;
	/* Nothing behind the first page is known to be the object's yet. */
	size = elf.e_phnum * sizeof first;
	if (size > PAGE || elf.e_phoff > PAGE - size)
		return -1;
	*headers = (struct lm_headers){.count = elf.e_phnum, .at = start + (uintptr_t)elf.e_phoff, .fd = -1};
	if (lm_headers_first(headers, &first) != 0)
		return -1;
	/* Only if the first segment has them, they are what stands at that offset from START. */
	return first.p_offset == 0 && first.p_filesz >= size && elf.e_phoff <= first.p_filesz - size ? 0 : -1;
}

int lm_headers_in_file(struct lm_headers *headers, int fd)
{
	ElfW(Ehdr) elf;

	if (lm_sys_pread(fd, &elf, sizeof elf, 0) != sizeof elf || !is_header(&elf))
		return -1;
	*headers = (struct lm_headers){.count = elf.e_phnum, .fd = fd, .offset = elf.e_phoff};
	return 0;
}

/* ---- segments ---- */

static void add_segment(struct lm_loaded *loaded, const ElfW(Phdr) * header)
{
	uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ) - 1;
	uintptr_t at = loaded->bias + header->p_vaddr, start = at & ~page, end = (at + header->p_memsz + page) & ~page;

	/* A segment that goes round the end of the address space is none. */
	if (!header->p_memsz || at + header->p_memsz < at || end <= start)
		return;
	if (!loaded->end || start < loaded->start) {
		loaded->start = start;
		loaded->offset = header->p_offset & ~(uint64_t)page;
	}
	if (end > loaded->end)
		loaded->end = end;
	lm_image_add(&loaded->image, at, at + header->p_memsz);
}

static void add_exidx(struct lm_loaded *loaded, const ElfW(Phdr) * header)
{
	loaded->exidx = loaded->bias + header->p_vaddr;
	loaded->exidx_size = header->p_memsz;
}

static void add_to_sum(struct lm_loaded *loaded, const ElfW(Phdr) * header)
{
	const uint32_t *word = (const void *)header;

	for (size_t i = 0; i < sizeof *header / sizeof *word; i++)
		loaded->headers = (loaded->headers ^ word[i]) * UINT64_C(0x9e3779b97f4a7c15);
}

/* ---- notes ---- */

static size_t padded(size_t size, size_t align)
{
	return (size + align - 1) & ~(align - 1);
}

/* One note. Its size in the segment, or 0: it reaches beyond ROOM, and there is no other one. */
static size_t read_note(struct lm_loaded *loaded, uintptr_t at, size_t room, size_t align)
{
	ElfW(Nhdr) note;
	size_t name, content;
	char owner[4];

	if (room < sizeof note || lm_image_read(&loaded->image, &note, at, sizeof note) != 0)
		return 0;
	room -= sizeof note;
	if (note.n_namesz > room || note.n_descsz > room)
		return 0;
	name = padded(sizeof note + note.n_namesz, align) - sizeof note;
	content = padded(note.n_descsz, align);
	if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof owner && note.n_descsz &&
	    note.n_descsz <= LM_BUILD_ID_MAX && name + note.n_descsz <= room &&
	    lm_image_read(&loaded->image, owner, at + sizeof note, sizeof owner) == 0 &&
	    __builtin_memcmp(owner, "GNU", sizeof owner) == 0 &&
	    lm_image_read(&loaded->image, loaded->build_id, at + sizeof note + name, note.n_descsz) == 0)
		loaded->build_id_size = note.n_descsz;
	return name + content <= room ? sizeof note + name + content : 0;
}

static void read_notes(struct lm_loaded *loaded, const ElfW(Phdr) * header)
{
	uintptr_t at = loaded->bias + header->p_vaddr;
	size_t room = header->p_memsz < NOTES_MAX ? header->p_memsz : NOTES_MAX, size;

	for (; !loaded->build_id_size; at += size, room -= size) {
		size = read_note(loaded, at, room, header->p_align == 8 ? 8 : 4);
		if (!size)
			return;
	}
}

int lm_headers_read(const struct lm_headers *headers, struct lm_loaded *loaded)
{
	ElfW(Phdr) header;

	for (unsigned i = 0; i < headers->count; i++) {
		if (read_one(headers, i, &header) != 0)
			return -1;
		add_to_sum(loaded, &header);
		if (header.p_type == PT_LOAD)
			add_segment(loaded, &header);
		else if (header.p_type == PT_GNU_EH_FRAME)
			loaded->eh_frame_hdr = loaded->bias + header.p_vaddr;
		else if (header.p_type == EXIDX)
			add_exidx(loaded, &header);
	}
	/* Only now are all segments known. */
	for (unsigned i = 0; i < headers->count && !loaded->build_id_size; i++) {
		if (read_one(headers, i, &header) == 0 && header.p_type == PT_NOTE)
			read_notes(loaded, &header);
	}
	return loaded->end ? 0 : -1;
}
