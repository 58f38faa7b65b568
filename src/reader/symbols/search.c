/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See search.h. */
#include "search.h"
#include "array.h"
#include "build_id.h"
#include "debuginfod.h"
#include "unstripped.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char usual_dir[] = "/usr/lib/debug";

/* Appends TEXT to *LIST, with a ':' between them unless *LIST is empty. 0 or -ENOMEM. */
static int append(char **list, const char *first, const char *second)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s%s", *list ? *list : "", *list ? ":" : "", first, second) < 0)
		return -ENOMEM;
	free(*list);
	*list = longer;
	return 0;
}

int search_add_debug_dir(struct search_options *options, const char *dir)
{
	return append(&options->debug_dir, dir, "");
}

int search_add_exe(struct search_options *options, const char *exe)
{
	const char **grown = array_grow(options->exes, &options->exe_room, options->exe_count + 1, sizeof *grown);

	if (!grown)
		return -ENOMEM;
	options->exes = grown;
	grown[options->exe_count++] = exe;
	return 0;
}

void search_options_free(struct search_options *options)
{
	free(options->debug_dir);
	free(options->exes);
	*options = (struct search_options){.sysroot = NULL};
}

/* libdwfl reads a relative path relative to the object. The user's are relative to the current directory. */
static int append_dir(char **list, const char *dir, const struct diag *diag)
{
	char path[PATH_MAX];

	if (realpath(dir, path))
		return append(list, path, "");
	diag_report(diag, dir, 0, "no debug information: %s", strerror(errno));
	return 0;
}

static int append_dirs(char **list, const char *dirs, const struct diag *diag)
{
	char *copy = strdup(dirs), *rest = copy, *dir;
	int error = copy ? 0 : -ENOMEM;

	while (!error && (dir = strsep(&rest, ":")))
		if (*dir)
			error = append_dir(list, dir, diag);
	free(copy);
	return error;
}

/* Builds the list: the user's directories, the object's own and ".debug" in it, then the system's. */
static int make_debug_path(struct search *search, const char *dirs, const struct diag *diag)
{
	int error = dirs ? append_dirs(&search->debug_path, dirs, diag) : 0;

	if (!error)
		error = append(&search->debug_path, "", ":.debug");
	return error ? error : append(&search->debug_path, search->sysroot ? search->sysroot : "", usual_dir);
}

static int open_root(struct search *search, const char *sysroot)
{
	search->sysroot = realpath(sysroot, NULL);
	if (!search->sysroot)
		return -errno;
	/* "/" would lead to double slashes in paths. */
	if (strcmp(search->sysroot, "/") == 0)
		search->sysroot[0] = '\0';
	search->root = open(sysroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return search->root < 0 ? -errno : 0;
}

/* A file without build-id may be another one than the file of that name in a debug directory. */
static int find_unstripped(Dwfl_Module *module, const struct search *search, const char *name, bool with_debug,
                           char **found)
{
	char digits[BUILD_ID_DIGITS_MAX + 1];
	const unsigned char *bits;
	GElf_Addr address;
	int len = dwfl_module_build_id(module, &bits, &address);

	if (!search || len <= 0 || !build_id_digits(bits, (size_t)len, digits))
		return -1;
	return unstripped_open(search, name, digits, with_debug, found);
}

/*
 * Debug information is beside the file at its present path, or below a debug directory
 * at the path that the file had when it was traced. The latter is the name of MODULE.
 * Or a debug directory is where the program was built, and has its unstripped file.
 */
static int find_debuginfo(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base, const char *file,
                          const char *link, GElf_Word crc, char **found)
{
	/* First, since libdwfl takes a stripped file of the right name, too. */
	int fd = find_unstripped(module, *userdata, name, true, found);

	if (fd < 0)
		fd = dwfl_standard_find_debuginfo(module, userdata, name, base, file, link, crc, found);
	if (fd < 0 && file && strcmp(name, file) != 0)
		fd = dwfl_standard_find_debuginfo(module, userdata, name, base, name, link, crc, found);
	return fd < 0 ? find_unstripped(module, *userdata, name, false, found) : fd;
}

int search_init(struct search *search, const struct search_options *options, const struct diag *diag)
{
	static const struct search_options usual;
	int error = 0;

	if (!options)
		options = &usual;
	*search = (struct search){
		.root = -1,
		.files = calloc(1, sizeof *search->files),
		.debuginfod = options->debuginfod,
		.callbacks = {.find_elf = dwfl_build_id_find_elf,
	                      .find_debuginfo = find_debuginfo,
	                      .section_address = dwfl_offline_section_address,
	                      .debuginfo_path = &search->debug_path},
	};
	if (!search->files)
		return -ENOMEM;
	/* Otherwise libdwfl would ask the servers that this variable names. */
	if (!options->debuginfod)
		unsetenv("DEBUGINFOD_URLS");
	else if (!debuginfod_works())
		diag_report(diag, "libdebuginfod.so.1", 0, "is not installed: no server is asked");
	if (options->sysroot) {
		error = open_root(search, options->sysroot);
		if (error)
			diag_report(diag, options->sysroot, 0, "%s", strerror(-error));
	}
	if (!error)
		error = make_debug_path(search, options->debug_dir, diag);
	if (error)
		search_free(search);
	return error;
}

/* Opens a file in the sysroot. Symbolic links can't lead out of it. */
static int open_in_root(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_IN_ROOT};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);

	/* Linux before 5.6 does not have the call. */
	if (fd < 0 && errno == ENOSYS)
		fd = openat(root, path + strspn(path, "/"), flags);
	return fd;
}

/* A trace can name anything. Opening a pipe must not wait, and a device must not be touched. */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

/* FD if it is a regular file; or -errno. FD can be -1, with errno set. */
static int only_regular(int fd)
{
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -ENOEXEC;
}

int search_open(const struct search *search, const char *path)
{
	if (search->root >= 0 && path[0] == '/')
		return only_regular(open_in_root(search->root, path, OPEN_FLAGS));
	return search_open_here(path);
}

int search_open_here(const char *path)
{
	return only_regular(open(path, OPEN_FLAGS));
}

int search_open_build_id(const struct search *search, const char *build_id)
{
	char *copy, *rest, *dir;
	int fd = -ENOENT;

	if (!build_id_is_plain(build_id))
		return fd;
	copy = rest = strdup(search->debug_path);
	if (!copy)
		return -ENOMEM;
	while (fd < 0 && (dir = strsep(&rest, ":"))) {
		char path[PATH_MAX];

		if (dir[0] != '/' || snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", dir, build_id,
		                              build_id + 2) >= (int)sizeof path)
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	free(copy);
	return fd < 0 && search->debuginfod ? debuginfod_open(build_id) : fd;
}

char *search_path(const struct search *search, const char *path)
{
	char *full;

	return asprintf(&full, "%s%s", search->sysroot && path[0] == '/' ? search->sysroot : "", path) < 0 ? NULL
	                                                                                                   : full;
}

void search_free(struct search *search)
{
	if (search->root >= 0)
		close(search->root);
	free(search->sysroot);
	free(search->debug_path);
	if (search->files)
		id_files_free(search->files);
	free(search->files);
	*search = (struct search){.root = -1};
}
