/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See trace_of.h. */
#include "trace_of.h"
#include "cli.h"
#include "journal.h"
#include "refused.h"
#include "stop.h"
#include "trace_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Sets the trace to PATH of process PID, which may have another root. */
static bool take_path(char trace[PATH_MAX], uint64_t pid, const char *path)
{
	snprintf(trace, PATH_MAX, "%s", path);
	if (is_file(trace))
		return true;
	return (size_t)snprintf(trace, PATH_MAX, "/proc/%" PRIu64 "/root%s", pid, path) < PATH_MAX && is_file(trace);
}

/* Cuts the suffix off that a journal's path has. False if PATH has none. */
static bool cut_suffix(char *path, size_t len)
{
	const size_t suffix = strlen(LM_JOURNAL_SUFFIX);

	if (len <= suffix || memcmp(path + len - suffix, LM_JOURNAL_SUFFIX, suffix) != 0)
		return false;
	path[len - suffix] = '\0';
	return true;
}

/* The journal stays mapped whatever descriptors the process closes. */
static bool find_by_journal(char trace[PATH_MAX], uint64_t pid)
{
	char name[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *maps;

	snprintf(name, sizeof name, "/proc/%" PRIu64 "/maps", pid);
	maps = fopen(name, "re");
	while (maps && !found && getline(&line, &room, maps) > 0) {
		char *path = strchr(line, '/');
		size_t len = path ? strcspn(path, "\n") : 0;

		found = len && cut_suffix(path, len) && take_path(trace, pid, path);
	}
	if (maps)
		fclose(maps);
	free(line);
	return found;
}

/* Sets the trace to what is open as descriptor FD of process PID. */
static bool take_descriptor(char trace[PATH_MAX], uint64_t pid, long fd)
{
	char name[64], path[PATH_MAX];
	ssize_t n;

	snprintf(name, sizeof name, "/proc/%" PRIu64 "/fd/%ld", pid, fd);
	n = readlink(name, path, sizeof path - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	/* The journal of a process that was attached to can have that number. */
	cut_suffix(path, (size_t)n);
	return take_path(trace, pid, path);
}

/* The process's own trace comes first: descriptor 1022 can be inherited. */
static bool find_by_descriptor(char trace[PATH_MAX], uint64_t pid)
{
	return take_descriptor(trace, pid, 4080) || take_descriptor(trace, pid, LM_TRACE_FD);
}

/* Does PATH begin as a trace does? */
static bool is_trace(const char *path)
{
	static const char begin[] = "# " LM_TRACE_PID " ";
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char head[sizeof begin - 1];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, head, sizeof head);
	close(fd);
	return n == (ssize_t)sizeof head && memcmp(head, begin, sizeof head) == 0;
}

/* Where few descriptors are permitted, the trace is another one. */
static bool find_by_content(char trace[PATH_MAX], uint64_t pid)
{
	const struct dirent *entry;
	bool found = false;
	char name[64];
	DIR *fds;

	snprintf(name, sizeof name, "/proc/%" PRIu64 "/fd", pid);
	fds = opendir(name);
	while (fds && !found && (entry = readdir(fds))) {
		if (*entry->d_name != '.')
			found = take_descriptor(trace, pid, strtol(entry->d_name, NULL, 10)) && is_trace(trace);
	}
	if (fds)
		closedir(fds);
	return found;
}

bool trace_of_look(char trace[PATH_MAX], uint64_t pid)
{
	/* Of a process whose main thread has ended, the kernel tells by the number of another one. */
	const pid_t thread = stop_find_thread((pid_t)pid);

	if (thread)
		pid = (uint64_t)thread;
	return find_by_journal(trace, pid) || find_by_descriptor(trace, pid) || find_by_content(trace, pid);
}

/* Says why there is no trace to be found. */
static void complain(uint64_t pid)
{
	char name[64], reason[400];
	int fd;

	snprintf(name, sizeof name, "/proc/%" PRIu64 "/maps", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		cli_error("process %" PRIu64 " is not traced, or its trace is no file", pid);
	else if (errno == ENOENT)
		cli_error("process %" PRIu64 ": there is none", pid);
	else
		cli_error("%s", refused_text(reason, sizeof reason, (pid_t)pid, errno));
	if (fd >= 0)
		close(fd);
}

bool trace_of_find(char trace[PATH_MAX], uint64_t pid)
{
	if (trace_of_look(trace, pid))
		return true;
	complain(pid);
	return false;
}
