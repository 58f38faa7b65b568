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

/* What is looked for. */
struct wanted {
	const char *path, *build_id;
	bool with_debug;
};

/* Opens NAME in DIR, or NAME alone if DIR is "", with BEHIND behind it. A descriptor or -errno. */
static int open_in(const struct wanted *wanted, const char *dir, const char *name, const char *behind, char **found)
{
	int fd;

	if (asprintf(found, "%s%s%s%s", dir, *dir ? "/" : "", name, behind) < 0) {
		*found = NULL;
		return -ENOMEM;
	}
	/* Opening a pipe must not wait, and a device must not be touched. */
	fd = open(*found, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && is_wanted(fd, wanted->build_id, wanted->with_debug))
		return fd;
	if (fd >= 0)
		close(fd);
	free(*found);
	*found = NULL;
	return -ENOENT;
}

static int open_either(const struct wanted *wanted, const char *dir, const char *name, char **found)
{
	int fd = open_in(wanted, dir, name, "", found);

	return fd == -ENOENT ? open_in(wanted, dir, name, ".debug", found) : fd;
}

static int open_below(const struct wanted *wanted, const char *dir, char **found)
{
	const char *slash = strrchr(wanted->path, '/'), *name = slash ? slash + 1 : wanted->path;
	char link[sizeof ".build-id/ab/" + BUILD_ID_DIGITS_MAX];
	int fd = *name ? open_either(wanted, dir, name, found) : -ENOENT;

	if (fd == -ENOENT && *name && slash && !strstr(wanted->path, ".."))
		fd = open_either(wanted, dir, wanted->path + (wanted->path[0] == '/'), found);
	if (fd != -ENOENT || !wanted->build_id || !build_id_is_plain(wanted->build_id) ||
	    snprintf(link, sizeof link, ".build-id/%.2s/%s", wanted->build_id, wanted->build_id + 2) >=
	            (int)sizeof link)
		return fd;
	return open_either(wanted, dir, link, found);
}

/* Opens a file of any name that has the build-id. */
static int open_by_id(const struct search *search, const struct wanted *wanted, char **found)
{
	const char *path = id_files_find(search->files, search->debug_path, wanted->build_id);

	return path ? open_in(wanted, "", path, "", found) : -ENOENT;
}

int unstripped_open(const struct search *search, const char *path, const char *build_id, bool with_debug, char **found)
{
	const struct wanted wanted = {path, build_id, with_debug};
	char *copy, *rest, *dir;
	int fd = -ENOENT;

	copy = rest = strdup(search->debug_path);
	if (!copy)
		return -ENOMEM;
	/* Behind the user's directories there is an empty one. */
	while (fd < 0 && (dir = strsep(&rest, ":")) && *dir)
		fd = open_below(&wanted, dir, found);
	free(copy);
	return fd == -ENOENT && build_id ? open_by_id(search, &wanted, found) : fd;
}
