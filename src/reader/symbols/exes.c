/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See exes.h. */
#include "exes.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files of the command line ------------------------------------------------- */

static bool is_inside(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

/* Is all that the file's headers tell of in its SIZE bytes? libelf leaves out what is not. */
static bool is_whole(Elf *elf, const GElf_Ehdr *header, uint64_t size)
{
	Elf_Scn *section = NULL;
	size_t count;

	if (!is_inside(header->e_shoff, (uint64_t)header->e_shnum * header->e_shentsize, size) ||
	    !is_inside(header->e_phoff, (uint64_t)header->e_phnum * header->e_phentsize, size))
		return false;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr sh;

		if (!gelf_getshdr(section, &sh))
			return false;
		if (sh.sh_type != SHT_NULL && sh.sh_type != SHT_NOBITS && !is_inside(sh.sh_offset, sh.sh_size, size))
			return false;
	}
	/* The segments of a file of debug information can be elsewhere. */
	if (header->e_shoff)
		return true;
	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph) || !is_inside(ph.p_offset, ph.p_filesz, size))
			return false;
	}
	return true;
}

/* Takes what is wanted to know of the ELF file. What is wrong with it, or NULL. */
static const char *examine(struct exe *exe, Elf *elf, uint64_t size)
{
	GElf_Ehdr header;
	const void *bits;
	ssize_t len;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return "not an ELF file";
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return "neither a program nor a library";
	if (!is_whole(elf, &header, size))
		return "the ELF file is not complete";
	len = dwelf_elf_gnu_build_id(elf, &bits);
	if (len > 0)
		build_id_digits(bits, (size_t)len, exe->build_id);
	return NULL;
}

/* What is wrong with the file, or NULL. */
static const char *take_file(struct exe *exe)
{
	/* Opening a pipe must not wait, and a device must not be touched. */
	int fd = open(exe->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *fault = NULL;
	struct stat st = {.st_size = 0};
	Elf *elf;

	if (fd < 0 || fstat(fd, &st) != 0)
		fault = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		fault = S_ISDIR(st.st_mode) ? strerror(EISDIR) : "not a regular file";
	if (!fault) {
		elf_version(EV_CURRENT);
		elf = elf_begin(fd, ELF_C_READ, NULL);
		fault = examine(exe, elf, (uint64_t)st.st_size);
		elf_end(elf);
	}
	if (fd >= 0)
		close(fd);
	return fault;
}

int exes_open(struct exes *exes, const struct search_options *options, const struct search *search,
              const struct diag *diag)
{
	int error = 0;

	*exes = (struct exes){.search = search, .diag = diag};
	if (!options || !options->exe_count)
		return 0;
	exes->list = calloc(options->exe_count, sizeof *exes->list);
	if (!exes->list)
		return -ENOMEM;
	for (size_t i = 0; i < options->exe_count; i++) {
		struct exe *exe = &exes->list[exes->count++];
		const char *fault;

		exe->path = options->exes[i];
		fault = take_file(exe);
		if (!fault)
			continue;
		diag_report(diag, exe->path, 0, "%s", fault);
		error = -EINVAL;
	}
	return error;
}

/* ---- the objects of a trace ----------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is the file another build than the one of BUILD_ID? If so, says that once. */
static bool is_refused(const struct exes *exes, struct exe *exe, const char *build_id)
{
	if (!build_id || strcmp(exe->build_id, build_id) == 0)
		return false;
	if (!exe->refused)
		diag_report(exes->diag, exe->path, 0, "not the file that the trace is about (%s): not used",
		            exe->build_id[0] ? "its build-id differs" : "it has no build-id");
	exe->refused = true;
	return true;
}

struct exe *exes_find(struct exes *exes, const char *path, const char *build_id)
{
	const char *name = base_name(path);

	for (size_t i = 0; build_id && i < exes->count; i++)
		if (strcmp(exes->list[i].build_id, build_id) == 0)
			return &exes->list[i];
	for (size_t i = 0; i < exes->count; i++) {
		struct exe *exe = &exes->list[i];

		if (strcmp(base_name(exe->path), name) == 0 && !is_refused(exes, exe, build_id))
			return exe;
	}
	return NULL;
}

struct exe *exes_only(struct exes *exes, const char *build_id)
{
	return exes->count == 1 && !is_refused(exes, exes->list, build_id) ? exes->list : NULL;
}

struct exe *exes_at(struct exes *exes, uint64_t address)
{
	for (size_t i = 0; i < exes->count; i++) {
		struct object *object = exes_object(exes, &exes->list[i]);

		if (object && object_is_fixed(object) && object_has_code(object, address))
			return &exes->list[i];
	}
	return NULL;
}

struct object *exes_object(struct exes *exes, struct exe *exe)
{
	if (exe->object.dwfl)
		return &exe->object;
	if (exe->broken)
		return NULL;
	exe->broken = object_open_here(&exe->object, exe->path, base_name(exe->path), NULL, exes->search) != 0;
	if (exe->broken) {
		diag_report(exes->diag, exe->path, 0, "it can't be read as an ELF file");
		return NULL;
	}
	exe->object.given = exe->path;
	return &exe->object;
}

void exes_close(struct exes *exes, bool tell)
{
	for (size_t i = 0; i < exes->count; i++) {
		struct exe *exe = &exes->list[i];

		if (tell && !exe->used && !exe->refused && !exe->broken)
			diag_report(exes->diag, exe->path, 0, "nothing in the trace goes with it: not used");
		if (exe->object.dwfl)
			object_close(&exe->object);
	}
	free(exes->list);
	*exes = (struct exes){0};
}
