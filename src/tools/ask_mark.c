/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ask_mark.h. */
#include "ask_mark.h"
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- the journal of a process -------------------------------------------------- */

/* Is the file that is open as FD a journal, and the one with that inode? */
static bool is_journal(int fd, uintmax_t inode)
{
	uint64_t magic;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == inode &&
	       st.st_size == (off_t)LM_JOURNAL_SIZE && pread(fd, &magic, sizeof magic, 0) == (ssize_t)sizeof magic &&
	       lm_journal_number(magic) == LM_JOURNAL_MAGIC;
}

/* The process can be in another root directory: its own comes first. */
static int open_mapped(pid_t pid, const char *path, uintmax_t inode)
{
	static const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char there[PATH_MAX + 64];
	int fd;

	snprintf(there, sizeof there, "/proc/%d/root%s", (int)pid, path);
	fd = open(there, flags);
	if (fd < 0)
		fd = open(path, flags);
	if (fd < 0 || is_journal(fd, inode))
		return fd;
	close(fd);
	errno = 0;
	return -1;
}

/* Takes the path and the inode out of a line of /proc/PID/maps; false if it is not that of a journal. */
static bool names_journal(char *line, const char **path, uintmax_t *inode)
{
	size_t len = strcspn(line, "\n");
	const size_t suffix = strlen(LM_JOURNAL_SUFFIX);
	int at = 0;

	line[len] = '\0';
	if (sscanf(line, "%*s %*s %*s %*s %ju %n", inode, &at) != 1 || !at || line[at] != '/')
		return false;
	*path = line + at;
	return len > suffix && strcmp(line + len - suffix, LM_JOURNAL_SUFFIX) == 0;
}

int ask_find_journal(pid_t pid)
{
	char maps_path[64], *line = NULL;
	const char *path;
	size_t room = 0;
	uintmax_t inode;
	int fd = -1, error = 0;
	FILE *maps;

	snprintf(maps_path, sizeof maps_path, "/proc/%d/maps", (int)pid);
	maps = fopen(maps_path, "re");
	if (!maps)
		return -1;
	while (fd < 0 && getline(&line, &room, maps) > 0) {
		if (!names_journal(line, &path, &inode))
			continue;
		fd = open_mapped(pid, path, inode);
		error = fd < 0 ? errno : 0;
	}
	fclose(maps);
	free(line);
	errno = error;
	return fd;
}

/* ---- asking -------------------------------------------------------------------- */

/* Those who ask do so one after another. The lock ends with the process that has it. */
static int set_lock(int fd, short type)
{
	struct flock lock = {.l_type = type,
	                     .l_whence = SEEK_SET,
	                     .l_start = (off_t)(LM_JOURNAL_MARKS + offsetof(struct lm_journal_marks, asked)),
	                     .l_len = sizeof(uint32_t)};
	int result;

	do
		result = fcntl(fd, F_SETLKW, &lock);
	while (result != 0 && errno == EINTR);
	return result;
}

static enum ask_result put(struct lm_journal_marks *marks, const char *name, uint32_t *number)
{
	uint32_t asked = __atomic_load_n(&marks->asked, __ATOMIC_RELAXED);
	char *place = marks->names[asked % LM_JOURNAL_ASKS];

	if (!__atomic_load_n(&marks->ready, __ATOMIC_ACQUIRE))
		return ASK_TOO_OLD;
	if (asked - __atomic_load_n(&marks->taken, __ATOMIC_ACQUIRE) >= LM_JOURNAL_ASKS)
		return ASK_FULL;
	memset(place, 0, LM_JOURNAL_NAME);
	memcpy(place, name, strnlen(name, LM_JOURNAL_NAME));
	*number = asked + 1;
	__atomic_store_n(&marks->asked, *number, __ATOMIC_RELEASE);
	return ASK_WAITS;
}

/* A process that ends takes what it was asked for first. Then it removes its journal. */
static bool has_ended(int fd)
{
	uint64_t magic = 0;
	struct stat st;

	return fstat(fd, &st) != 0 || st.st_nlink == 0 || pread(fd, &magic, sizeof magic, 0) <= 0 || magic == 0;
}

static enum ask_result wait_until_taken(int fd, const struct lm_journal_marks *marks, uint32_t number)
{
	static const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < 200; i++) {
		bool ended = has_ended(fd);

		if ((int32_t)(__atomic_load_n(&marks->taken, __ATOMIC_ACQUIRE) - number) >= 0)
			return ASK_TAKEN;
		if (ended)
			return ASK_ENDED;
		nanosleep(&pause, NULL);
	}
	return ASK_WAITS;
}

static enum ask_result ask(int fd, struct lm_journal_marks *marks, const char *name)
{
	enum ask_result result;
	uint32_t number = 0;

	if (set_lock(fd, F_WRLCK) != 0)
		return ASK_ERROR;
	result = put(marks, name, &number);
	set_lock(fd, F_UNLCK);
	return result == ASK_WAITS ? wait_until_taken(fd, marks, number) : result;
}

enum ask_result ask_mark(int fd, const char *name)
{
	enum ask_result result;
	char *header = mmap(NULL, LM_JOURNAL_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (header == MAP_FAILED)
		return ASK_ERROR;
	result = ask(fd, (struct lm_journal_marks *)(void *)(header + LM_JOURNAL_MARKS), name);
	munmap(header, LM_JOURNAL_HEADER);
	return result;
}
