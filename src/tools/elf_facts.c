/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See elf_facts.h. */
#include "elf_facts.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>

/* The wrap archive carries this note into the programs that it is linked into. */
#define NOTE_OWNER "log-malloc2"
#define NOTE_TYPE  1

static int has_note(Elf *elf, const GElf_Phdr *phdr)
{
	Elf_Data *notes = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz,
	                                       phdr->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (notes && (at = gelf_getnote(notes, at, &note, &name, &desc)) > 0)
		if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof NOTE_OWNER &&
		    memcmp((const char *)notes->d_buf + name, NOTE_OWNER, sizeof NOTE_OWNER) == 0)
			return 1;
	return 0;
}

static void read_interp(Elf *elf, const GElf_Phdr *phdr, struct elf_facts *facts)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz, ELF_T_BYTE);

	/* An unreadable interpreter is an interpreter all the same. */
	snprintf(facts->interp, sizeof facts->interp, "%.*s", data ? (int)data->d_size : 1,
	         data ? (const char *)data->d_buf : "?");
}

/* Is AddressSanitizer's runtime linked in, statically or as a library? gcc and clang have the same symbol. */
static int has_asan(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *symbols;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM)
			continue;
		symbols = elf_getdata(section, NULL);
		for (int i = 0; symbols && gelf_getsym(symbols, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (name && strcmp(name, "__asan_init") == 0)
				return 1;
		}
	}
	return 0;
}

/* Keeps the name of the C library that the dynamic section asks for. */
static void read_needed(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct elf_facts *facts)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Dyn dynamic;

	for (int i = 0; data && gelf_getdyn(data, i, &dynamic); i++) {
		const char *name =
			dynamic.d_tag == DT_NEEDED ? elf_strptr(elf, header->sh_link, dynamic.d_un.d_val) : NULL;

		if (name && strncmp(name, "libc.", 5) == 0)
			snprintf(facts->needed, sizeof facts->needed, "%s", name);
	}
}

static void read_dynamic(Elf *elf, struct elf_facts *facts)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNAMIC)
			read_needed(elf, section, &header, facts);
	}
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

enum elf_libc elf_facts_libc(const struct elf_facts *facts)
{
	const char *slash = strrchr(facts->interp, '/'), *loader = slash ? slash + 1 : facts->interp;

	if (begins(loader, "ld-musl") || strcmp(facts->needed, "libc.so") == 0 || begins(facts->needed, "libc.musl"))
		return ELF_LIBC_MUSL;
	if (begins(loader, "ld-linux") || begins(loader, "ld64.so") || begins(loader, "ld.so") ||
	    begins(facts->needed, "libc.so."))
		return ELF_LIBC_GNU;
	return ELF_LIBC_UNKNOWN;
}

void elf_facts_read(int fd, struct elf_facts *facts)
{
	size_t count = 0;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	Elf *elf;

	memset(facts, 0, sizeof *facts);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &ehdr)) {
		facts->is_elf = 1;
		facts->class = ehdr.e_ident[EI_CLASS];
		facts->data = ehdr.e_ident[EI_DATA];
		facts->machine = ehdr.e_machine;
		elf_getphdrnum(elf, &count);
	}
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &phdr); i++) {
		if (phdr.p_type == PT_INTERP)
			read_interp(elf, &phdr, facts);
		else if (phdr.p_type == PT_NOTE && !facts->linked)
			facts->linked = has_note(elf, &phdr);
	}
	if (facts->is_elf)
		read_dynamic(elf, facts);
	facts->asan = facts->is_elf && facts->interp[0] && has_asan(elf);
	elf_end(elf);
}
