/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See process.h. */
#include "process.h"
#include "identity.h"
#include "trace_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool process_holds_lock(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LM_TRACE_LOCK_START, .l_len = LM_TRACE_LOCK_LEN};

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* ---- identity ------------------------------------------------------------------ */

static size_t read_start(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buffer, size);
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

/*
 * A process that has ended, and whose parent has not noticed that yet, does not run. But if only its first thread has
 * ended, there are others.
 */
static bool has_ended(const char *status, size_t length)
{
	size_t size;
	const char *state = lm_identity_field(status, length, 3, &size);
	const char *threads = lm_identity_field(status, length, 20, &size);

	return !state || ((*state == 'Z' || *state == 'X') && (!threads || strtoul(threads, NULL, 10) <= 1));
}

uint64_t process_identity(const char *which)
{
	char status[LM_IDENTITY_STAT_MAX], boot[LM_IDENTITY_BOOT_MAX], path[64];
	size_t status_length, boot_length;
	struct stat st;

	snprintf(path, sizeof path, "/proc/%s/stat", which);
	status_length = read_start(path, status, sizeof status);
	if (has_ended(status, status_length))
		return 0;
	boot_length = read_start(LM_IDENTITY_BOOT, boot, sizeof boot);
	snprintf(path, sizeof path, "/proc/%s/ns/pid", which);
	return lm_identity_make(status, status_length, stat(path, &st) == 0 ? (uint64_t)st.st_ino : 0, boot,
	                        boot_length);
}

bool process_runs(uint64_t pid, const char *identity)
{
	char which[24], found[24];

	snprintf(which, sizeof which, "%" PRIu64, pid);
	snprintf(found, sizeof found, "%" PRIx64, process_identity(which));
	return *identity && strcmp(found, identity) == 0;
}

/* ---- files that are mapped ----------------------------------------------------- */

/* By the inode's number alone: some filesystems show another device there than stat() does. */
static enum process_use maps_inode(const char *maps_path, ino_t inode)
{
	enum process_use use = PROCESS_USES_NOT;
	FILE *maps = fopen(maps_path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!maps)
		return errno == ENOENT || errno == ESRCH ? PROCESS_USES_NOT : PROCESS_USE_UNKNOWN;
	while (use == PROCESS_USES_NOT && getline(&line, &room, maps) > 0) {
		uintmax_t found;

		if (sscanf(line, "%*s %*s %*s %*s %ju", &found) == 1 && found == inode)
			use = PROCESS_USES;
	}
	fclose(maps);
	free(line);
	return use;
}

/* Does the process that is NAME here call itself PID, in its own PID namespace? */
static bool calls_itself(const char *name, uint64_t pid)
{
	static const char word[] = "\nNSpid:";
	char path[300], status[4096], *line, *number;

	snprintf(path, sizeof path, "/proc/%s/status", name);
	status[read_start(path, status, sizeof status - 1)] = '\0';
	line = strstr(status, word);
	if (!line)
		return strtoull(name, NULL, 10) == pid;
	line[1 + strcspn(line + 1, "\n")] = '\0';
	/* The innermost namespace comes last. */
	number = strrchr(line, '\t');
	return number && strtoull(number + 1, NULL, 10) == pid;
}

bool process_is(uint64_t here, uint64_t pid, const char *identity)
{
	char name[24];

	snprintf(name, sizeof name, "%" PRIu64, here);
	return process_runs(here, identity) && calls_itself(name, pid);
}

uint64_t process_find(uint64_t pid, const char *identity)
{
	const struct dirent *entry;
	uint64_t found = 0;
	DIR *proc;

	if (process_is(pid, pid, identity))
		return pid;
	proc = opendir("/proc");
	while (proc && !found && (entry = readdir(proc))) {
		uint64_t other = strtoull(entry->d_name, NULL, 10);

		if (other && process_is(other, pid, identity))
			found = other;
	}
	if (proc)
		closedir(proc);
	return found;
}

static enum process_use ask(const char *name, const struct stat *file, uint64_t pid)
{
	enum process_use use;
	char path[300];

	if (*name < '0' || *name > '9')
		return PROCESS_USES_NOT;
	snprintf(path, sizeof path, "/proc/%s/maps", name);
	use = maps_inode(path, file->st_ino);
	return use == PROCESS_USE_UNKNOWN && !calls_itself(name, pid) ? PROCESS_USES_NOT : use;
}

enum process_use process_maps(const struct stat *file, uint64_t pid)
{
	enum process_use use, worst = PROCESS_USES_NOT;
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (!proc)
		return PROCESS_USE_UNKNOWN;
	while (worst != PROCESS_USES && (entry = readdir(proc))) {
		use = ask(entry->d_name, file, pid);
		if (use != PROCESS_USES_NOT)
			worst = use;
	}
	closedir(proc);
	return worst;
}
