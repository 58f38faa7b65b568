/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See object.h. */
#include "object.h"
#include "build_id.h"
#include "unstripped.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_build_id(Dwfl_Module *module, const char *digits)
{
	const unsigned char *bits;
	GElf_Addr address;
	int len = dwfl_module_build_id(module, &bits, &address);

	return len > 0 && build_id_is(bits, (size_t)len, digits);
}

/* The search's callback for debug information finds SEARCH there. */
static void set_search(Dwfl_Module *module, const struct search *search)
{
	void **userdata;

	dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
	*userdata = (void *)search;
}

/* Opens the object by FD, which is closed if that fails. FILE is its path. 0, -ENOMEM, -ENOEXEC or -ESTALE. */
static int open_elf(struct object *object, int fd, const char *file, const char *name, const char *build_id,
                    const struct search *search)
{
	struct stat status = {.st_size = 0};
	int error = -ENOEXEC;

	fstat(fd, &status);
	*object = (struct object){.dwfl = file ? dwfl_begin(&search->callbacks) : NULL,
	                          .size = (uint64_t)status.st_size,
	                          .changed = status.st_mtim};
	if (!object->dwfl) {
		close(fd);
		return -ENOMEM;
	}
	/* If this succeeds, libdwfl owns the descriptor. */
	object->module = dwfl_report_elf(object->dwfl, name, file, fd, 0, true);
	if (object->module)
		set_search(object->module, search);
	if (!object->module)
		close(fd);
	else if (dwfl_report_end(object->dwfl, NULL, NULL) == 0)
		object->elf = dwfl_module_getelf(object->module, &object->bias);
	if (object->elf)
		error = build_id && !has_build_id(object->module, build_id) ? -ESTALE : 0;
	if (error)
		object_close(object);
	return error;
}

/* Opens what has the content of PATH. FD is a descriptor or -errno. */
static int open_as(struct object *object, int fd, const char *path, const char *build_id, const struct search *search)
{
	char *file;
	int error;

	if (fd < 0)
		return fd;
	file = search_path(search, path);
	error = open_elf(object, fd, file, path, build_id, search);
	free(file);
	return error;
}

int object_open_there(struct object *object, const char *path, const char *build_id, const struct search *search)
{
	return open_as(object, search_open(search, path), path, build_id, search);
}

int object_open_here(struct object *object, const char *file, const char *name, const char *build_id,
                     const struct search *search)
{
	int fd = search_open_here(file);

	return fd < 0 ? fd : open_elf(object, fd, file, name, build_id, search);
}

int object_open_elsewhere(struct object *object, const char *path, const char *build_id, const struct search *search)
{
	char *found;
	int fd = unstripped_open(search, path, build_id, false, &found);

	if (fd >= 0)
		free(found);
	if (open_as(object, fd, path, build_id, search) == 0)
		return 0;
	if (!build_id)
		return -ENOENT;
	return open_as(object, search_open_build_id(search, build_id), path, build_id, search);
}

bool object_has_stamp(const struct object *object, const char *stamp)
{
	char own[3 * 24];

	snprintf(own, sizeof own, "%" PRIu64 "@%jd.%09ld", object->size, (intmax_t)object->changed.tv_sec,
	         object->changed.tv_nsec);
	return strcmp(own, stamp) == 0;
}

void object_close(struct object *object)
{
	units_free(&object->units);
	symtab_index_free(&object->functions);
	if (object->dwfl)
		dwfl_end(object->dwfl);
	*object = (struct object){0};
}

static uint64_t page_mask(void)
{
	return ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
}

/* Finds the next loaded segment of the file, from *INDEX on. */
static bool next_segment(const struct object *object, size_t *index, GElf_Phdr *segment)
{
	size_t count;

	if (elf_getphdrnum(object->elf, &count) != 0)
		return false;
	while (*index < count)
		if (gelf_getphdr(object->elf, (int)(*index)++, segment) && segment->p_type == PT_LOAD)
			return true;
	return false;
}

const char *object_name(const struct object *object)
{
	return dwfl_module_info(object->module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}

bool object_is_fixed(const struct object *object)
{
	GElf_Ehdr header;

	return gelf_getehdr(object->elf, &header) && header.e_type == ET_EXEC;
}

bool object_find_code(const struct object *object, uint64_t address, GElf_Shdr *section)
{
	Elf_Scn *next = NULL;

	while ((next = elf_nextscn(object->elf, next)))
		if (gelf_getshdr(next, section) && section->sh_flags & SHF_EXECINSTR && address >= section->sh_addr &&
		    address - section->sh_addr < section->sh_size)
			return true;
	return false;
}

bool object_has_code(const struct object *object, uint64_t address)
{
	GElf_Phdr segment;
	GElf_Shdr section;
	size_t index = 0;

	if (object_find_code(object, address, &section))
		return true;
	/* Functions that are copied to RAM can be in a section of data. */
	while (next_segment(object, &index, &segment))
		if (segment.p_flags & PF_X && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_memsz)
			return true;
	return false;
}

uint64_t object_plain_address(const struct object *object, uint64_t address)
{
	GElf_Ehdr header;

	/* On these, an odd address tells the instruction set. */
	if (gelf_getehdr(object->elf, &header) && (header.e_machine == EM_ARM || header.e_machine == EM_MIPS))
		return address & ~(uint64_t)1;
	return address;
}

int object_from_load(const struct object *object, uint64_t from, uint64_t address, uint64_t *result)
{
	GElf_Phdr segment;
	size_t index = 0;

	if (!next_segment(object, &index, &segment))
		return -ENOENT;
	if (object_is_fixed(object)) {
		*result = address;
		return 0;
	}
	*result = address - from + (segment.p_vaddr & page_mask());
	return 0;
}

int object_from_file(const struct object *object, uint64_t offset, uint64_t *result)
{
	GElf_Phdr segment;
	size_t index = 0;
	int error = -ENOENT;

	while (next_segment(object, &index, &segment)) {
		if (offset < segment.p_offset || offset - segment.p_offset >= segment.p_filesz)
			continue;
		*result = offset - segment.p_offset + segment.p_vaddr;
		error = 0;
		/* Two segments can share a page of the file. Code is preferred. */
		if (segment.p_flags & PF_X)
			break;
	}
	return error;
}

int object_from_symbol(const struct object *object, const char *name, size_t len, uint64_t offset, uint64_t address,
                       uint64_t *result)
{
	int count = dwfl_module_getsymtab(object->module), error = -ENOENT;
	uint64_t in_page = ~page_mask();

	/* Entry 0 of a symbol table is no symbol. */
	for (int i = 1; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr value;
		const char *found = dwfl_module_getsym_info(object->module, i, &symbol, &value, NULL, NULL, NULL);

		if (!found || symbol.st_shndx == SHN_UNDEF || strncmp(found, name, len) != 0 || found[len] != '\0')
			continue;
		*result = value - object->bias + offset;
		error = 0;
		/* Objects are loaded at page borders, so an address keeps its offset in the page. */
		if (!address || ((*result ^ address) & in_page) == 0)
			break;
	}
	return error;
}
