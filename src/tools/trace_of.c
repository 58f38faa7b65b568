/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See trace_of.h. */
#include "trace_of.h"
#include "cli.h"
#include "journal.h"
#include "trace_format.h"

#include <errno.h>
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

/* The journal stays mapped whatever descriptors the process closes. */
static bool find_by_journal(char trace[PATH_MAX], uint64_t pid)
{
	const size_t suffix = strlen(LM_JOURNAL_SUFFIX);
	char name[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *maps;

	snprintf(name, sizeof name, "/proc/%" PRIu64 "/maps", pid);
	maps = fopen(name, "re");
	while (maps && !found && getline(&line, &room, maps) > 0) {
		char *path = strchr(line, '/');
		size_t len = path ? strcspn(path, "\n") : 0;

		if (len <= suffix || memcmp(path + len - suffix, LM_JOURNAL_SUFFIX, suffix) != 0)
			continue;
		path[len - suffix] = '\0';
		found = take_path(trace, pid, path);
	}
	if (maps)
		fclose(maps);
	free(line);
	return found;
}

static bool find_by_descriptor(char trace[PATH_MAX], uint64_t pid)
{
	static const int descriptors[] = {4080, LM_TRACE_FD};
	char name[64], path[PATH_MAX];

	for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
		ssize_t n;

		snprintf(name, sizeof name, "/proc/%" PRIu64 "/fd/%d", pid, descriptors[i]);
		n = readlink(name, path, sizeof path - 1);
		if (n <= 0)
			continue;
		path[n] = '\0';
		if (take_path(trace, pid, path))
			return true;
	}
	return false;
}

bool trace_of_look(char trace[PATH_MAX], uint64_t pid)
{
	return find_by_journal(trace, pid) || find_by_descriptor(trace, pid);
}

bool trace_of_find(char trace[PATH_MAX], uint64_t pid)
{
	char name[64];

	if (trace_of_look(trace, pid))
		return true;
	snprintf(name, sizeof name, "/proc/%" PRIu64 "/maps", pid);
	if (access(name, R_OK) != 0)
		cli_error("process %" PRIu64 ": %s", pid, errno == ENOENT ? "there is none" : strerror(errno));
	else
		cli_error("process %" PRIu64 " is not traced, or its trace is no file", pid);
	return false;
}
