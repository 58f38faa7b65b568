/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See id_files.h. */
#include "id_files.h"
#include "array.h"
#include "build_id.h"

#include <dirent.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct id_file {
	char *path;
	char build_id[BUILD_ID_DIGITS_MAX + 1];
};

/* So many files are looked at. A directory of debug information has no more. */
enum { FILES_MAX = 1 << 14 };

/* Sets DIGITS to the build-id of the file; false if it has none. */
static bool read_build_id(int fd, char digits[BUILD_ID_DIGITS_MAX + 1])
{
	const void *bits = NULL;
	struct stat st;
	ssize_t len = 0;
	Elf *elf;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF)
		len = dwelf_elf_gnu_build_id(elf, &bits);
	len = len > 0 && build_id_digits(bits, (size_t)len, digits);
	elf_end(elf);
	return len;
}

/* Without memory, fewer files are found. */
static void add_file(struct id_files *files, const char *dir, const char *name)
{
	struct id_file file = {.path = NULL}, *grown;
	bool added = false;
	int fd;

	if (asprintf(&file.path, "%s/%s", dir, name) < 0)
		return;
	/* Opening a pipe must not wait, and a device must not be touched. */
	fd = open(file.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && read_build_id(fd, file.build_id)) {
		grown = array_grow(files->list, &files->room, files->count + 1, sizeof *grown);
		added = grown;
		if (grown) {
			files->list = grown;
			grown[files->count++] = file;
		}
	}
	if (fd >= 0)
		close(fd);
	if (!added)
		free(file.path);
}

static void add_directory(struct id_files *files, const char *dir, size_t *looked)
{
	DIR *opened = opendir(dir);
	const struct dirent *entry;

	while (opened && *looked < FILES_MAX && (entry = readdir(opened)))
		if (entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN) {
			add_file(files, dir, entry->d_name);
			++*looked;
		}
	if (opened)
		closedir(opened);
}

static void make(struct id_files *files, const char *directories)
{
	char *copy = strdup(directories), *rest = copy, *dir;
	size_t looked = 0;

	files->made = true;
	while ((dir = strsep(&rest, ":")) && *dir)
		add_directory(files, dir, &looked);
	free(copy);
}

const char *id_files_find(struct id_files *files, const char *directories, const char *build_id)
{
	if (!files->made)
		make(files, directories);
	for (size_t i = 0; files->list && i < files->count; i++)
		if (strcmp(files->list[i].build_id, build_id) == 0)
			return files->list[i].path;
	return NULL;
}

void id_files_free(struct id_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->list[i].path);
	free(files->list);
	*files = (struct id_files){0};
}
