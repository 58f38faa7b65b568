/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are opened again and again: is it the same one as before, whatever its name is now? Is it of this run? */
#ifndef LM_FILE_ID_H
#define LM_FILE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * The number of a file that is removed can be the next file's, so the time of its birth counts, where the file system
 * knows that. All zeros: no file.
 */
struct file_id {
	dev_t device;
	ino_t inode;
	int64_t born_s;
	uint32_t born_ns;
};

/* The file that is open as FD. */
struct file_id file_id_of(int fd);

/* The file that PATH leads to. */
struct file_id file_id_at(const char *path);

/* Two that are no file are not the same. */
bool file_id_is_same(const struct file_id *a, const struct file_id *b);

/* Opens a regular file for reading; to open a device may have effects. A descriptor, or -1. */
int file_open_regular(const char *path);

/* Was the file that is open as FD written to since SINCE? */
bool file_is_since(int fd, const struct timespec *since);

#endif
