/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See unstripped.h. */
#include "unstripped.h"
#include "build_id.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_build_id(Elf *elf, const char *digits)
{
	const void *bits;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &bits);

	return len > 0 && build_id_is(bits, (size_t)len, digits);
}

/* Is there debug information, or also only a symbol table? A stripped file says nothing that is not known. */
static bool has_names(Elf *elf, bool with_debug)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return false;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB && !with_debug)
			return true;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && (strcmp(name, ".debug_info") == 0 || strcmp(name, ".zdebug_info") == 0))
			return true;
	}
	return false;
}

static bool is_wanted(int fd, const char *build_id, bool with_debug)
{
	struct stat st;
	bool wanted;
	Elf *elf;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	wanted = elf && elf_kind(elf) == ELF_K_ELF && (!build_id || has_build_id(elf, build_id)) &&
	         has_names(elf, with_debug);
	elf_end(elf);
	return wanted;
}

/* Opens DIR/NAME, with BEHIND behind it. A descriptor or -errno. */
static int open_in(const char *dir, const char *name, const char *behind, const char *build_id, bool with_debug,
                   char **found)
{
	int fd;

	if (asprintf(found, "%s/%s%s", dir, name, behind) < 0) {
		*found = NULL;
		return -ENOMEM;
	}
	/* Opening a pipe must not wait, and a device must not be touched. */
	fd = open(*found, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && is_wanted(fd, build_id, with_debug))
		return fd;
	if (fd >= 0)
		close(fd);
	free(*found);
	*found = NULL;
	return -ENOENT;
}

int unstripped_open(const struct search *search, const char *path, const char *build_id, bool with_debug, char **found)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *copy, *rest, *dir;
	int fd = -ENOENT;

	if (!*name)
		return fd;
	copy = rest = strdup(search->debug_path);
	if (!copy)
		return -ENOMEM;
	/* Behind the user's directories there is an empty one. */
	while (fd < 0 && (dir = strsep(&rest, ":")) && *dir) {
		fd = open_in(dir, name, "", build_id, with_debug, found);
		if (fd == -ENOENT)
			fd = open_in(dir, name, ".debug", build_id, with_debug, found);
	}
	free(copy);
	return fd;
}
