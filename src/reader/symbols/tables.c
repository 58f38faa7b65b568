/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tables.h. */
#include "tables.h"

#include <elfutils/libdw.h>
#include <stdlib.h>

/* More bytes than _start has on any machine. */
#define START_SIZE 128

/* An entry of .ARM.exidx: an offset of 31 bits to a function, and what is known of it. */
enum { EXIDX_WORDS = 2, EXIDX_CANTUNWIND = 1 };

/* Is the executable segment with ADDRESS in the file? In separate debug information, it has no content. */
static bool has_code(const struct object *object, uint64_t address)
{
	GElf_Shdr section;

	return object_find_code(object, address, &section) && section.sh_type != SHT_NOBITS;
}

static bool has_frame(const struct object *object, uint64_t address)
{
	Dwarf_Addr bias;
	Dwarf_CFI *cfi = dwfl_module_eh_cfi(object->module, &bias);
	Dwarf_Frame *frame = NULL;
	bool found = cfi && dwarf_cfi_addrframe(cfi, address + object->bias - bias, &frame) == 0;

	free(frame);
	return found;
}

/* ---- 32-bit ARM ---- */

static bool find_segment(Elf *elf, uint32_t type, GElf_Phdr *segment)
{
	size_t count;

	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, segment) && segment->p_type == type)
			return true;
	return false;
}

/* Has the last function that begins at ADDRESS or below an entry with codes? WORDS are at the address AT. */
static bool search(const uint32_t *words, size_t count, uint32_t at, uint32_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t word = words[EXIDX_WORDS * middle];
		uint32_t offset = (word & 0x7fffffff) | (word << 1 & 0x80000000);

		if (at + (uint32_t)middle * 8 + offset <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && words[EXIDX_WORDS * (low - 1) + 1] != EXIDX_CANTUNWIND;
}

static bool has_codes(const struct object *object, uint64_t address)
{
	GElf_Phdr segment;
	Elf_Data *data;

	if (!find_segment(object->elf, PT_ARM_EXIDX, &segment))
		return false;
	data = elf_getdata_rawchunk(object->elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_WORD);
	return data && data->d_buf &&
	       search(data->d_buf, data->d_size / (EXIDX_WORDS * sizeof(uint32_t)), (uint32_t)segment.p_vaddr,
	              (uint32_t)address);
}

/* ---- any machine ---- */

bool tables_lack(const struct object *object, uint64_t address)
{
	GElf_Ehdr header;

	if (!gelf_getehdr(object->elf, &header) || !has_code(object, address) || has_frame(object, address))
		return false;
	return header.e_machine != EM_ARM || !has_codes(object, address);
}

bool tables_is_start(const struct object *object, uint64_t address)
{
	GElf_Ehdr header;

	/* On some machines, the lowest bit tells how the code is encoded. */
	return gelf_getehdr(object->elf, &header) && header.e_entry &&
	       address - (header.e_entry & ~(uint64_t)1) < START_SIZE;
}
