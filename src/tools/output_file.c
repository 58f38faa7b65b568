/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See output_file.h. */
#include "output_file.h"
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Random letters replace the last six. */
#define UNFINISHED ".XXXXXX"

static bool is_input(const struct stat *file, char **inputs)
{
	struct stat st;

	for (; *inputs; inputs++)
		if (stat(*inputs, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino)
			return true;
	return false;
}

/* The mode of a file that open() would make, or that of the one whose place it takes. */
static mode_t mode_of(const struct stat *old)
{
	mode_t mask = umask(0);

	umask(mask);
	return old ? old->st_mode & 0777 : 0666 & ~mask;
}

/* A descriptor of a new file beside the one at PATH. OLD is that, or NULL. -1 with errno. */
static int open_beside(struct output_file *file, const struct stat *old)
{
	int length = snprintf(file->unfinished, sizeof file->unfinished, "%s" UNFINISHED, file->path), fd;

	if (length < 0 || (size_t)length >= sizeof file->unfinished) {
		file->unfinished[0] = '\0';
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(file->unfinished, O_CLOEXEC);
	if (fd < 0)
		file->unfinished[0] = '\0';
	else
		fchmod(fd, mode_of(old));
	return fd;
}

static int open_target(struct output_file *file, const struct stat *old)
{
	if (old && !S_ISREG(old->st_mode))
		return open(file->name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (!old || !realpath(file->name, file->path)) {
		if (strlen(file->name) >= sizeof file->path) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(file->path, file->name, strlen(file->name) + 1);
	}
	return open_beside(file, old);
}

bool output_file_open(struct output_file *file, const char *name, char **inputs)
{
	struct stat st;
	bool exists;
	int fd;

	*file = (struct output_file){.name = name};
	if (!name)
		return true;
	exists = stat(name, &st) == 0;
	if (exists && S_ISREG(st.st_mode) && is_input(&st, inputs)) {
		cli_error("%s is the trace that is to be read: it is not overwritten", name);
		return false;
	}
	fd = open_target(file, exists ? &st : NULL);
	if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0) {
		close(fd);
		return true;
	}
	cli_error("cannot write %s: %s", name, strerror(errno));
	if (fd >= 0)
		output_file_close(file, false);
	return false;
}

bool output_file_close(struct output_file *file, bool is_good)
{
	int failed;

	if (!file->unfinished[0])
		return true;
	failed = is_good && (fflush(stdout) != 0 || ferror(stdout) || rename(file->unfinished, file->path) != 0);
	if (failed)
		cli_error("cannot write %s: %s", file->name, strerror(errno));
	if (failed || !is_good)
		unlink(file->unfinished);
	file->unfinished[0] = '\0';
	return !failed;
}
