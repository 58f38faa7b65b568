/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See writer.h. A process holds a lock on its trace. But the lock goes away
 * when the process closes any descriptor of the file, as daemons do that close
 * all descriptors. So the files that the process has open or mapped are looked
 * at as well: the journal stays mapped.
 */
#include "writer.h"
#include "journal.h"
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Has the process ended, and waits for its parent to take notice? */
static bool is_zombie(pid_t pid)
{
	char path[64], text[512];
	const char *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* "PID (NAME) STATE ...", where a name may contain anything. */
	state = strrchr(text, ')');
	return state && state[1] == ' ' && (state[2] == 'Z' || state[2] == 'X');
}

static bool has_open(DIR *descriptors, const struct stat *trace)
{
	const struct dirent *entry;

	while ((entry = readdir(descriptors))) {
		struct stat st;

		if (fstatat(dirfd(descriptors), entry->d_name, &st, 0) == 0 && st.st_dev == trace->st_dev &&
		    st.st_ino == trace->st_ino)
			return true;
	}
	return false;
}

static bool is_open(pid_t pid, const struct stat *trace)
{
	char path[64];
	DIR *descriptors;
	bool found;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	descriptors = opendir(path);
	/* Without /proc, or the permission to look there, an existing process is all that is known. */
	if (!descriptors)
		return kill(pid, 0) == 0 || errno != ESRCH;
	found = has_open(descriptors, trace);
	closedir(descriptors);
	return found;
}

/* By the inode's number alone: some filesystems show another device there than stat() does. */
static bool is_mapped(pid_t pid, const char *journal)
{
	char path[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	struct stat st;
	FILE *maps;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	maps = lstat(journal, &st) == 0 ? fopen(path, "re") : NULL;
	while (maps && !found && getline(&line, &room, maps) > 0) {
		uintmax_t inode;

		found = sscanf(line, "%*s %*s %*s %*s %ju", &inode) == 1 && inode == st.st_ino;
	}
	if (maps)
		fclose(maps);
	free(line);
	return found;
}

bool writer_is_alive(int fd, const char *path, pid_t pid)
{
	char journal[PATH_MAX + sizeof LM_JOURNAL_SUFFIX];
	struct stat trace;

	if (process_holds_lock(fd))
		return true;
	if ((kill(pid, 0) != 0 && errno == ESRCH) || is_zombie(pid))
		return false;
	snprintf(journal, sizeof journal, "%s" LM_JOURNAL_SUFFIX, path);
	/* The number may be another process's by now: that one uses neither file. */
	return fstat(fd, &trace) != 0 || is_open(pid, &trace) || is_mapped(pid, journal);
}
