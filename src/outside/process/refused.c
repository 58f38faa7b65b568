/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See refused.h. */
#include "refused.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number of CAP_SYS_PTRACE, from linux/capability.h. */
enum { CAPABILITY_PTRACE = 19 };

/* The number at the start of PATH's line that begins with WORD; of its only line, if WORD is empty. */
static long read_number(const char *path, const char *word, int base)
{
	char *line = NULL;
	size_t room = 0, len = strlen(word);
	FILE *file = fopen(path, "re");
	long number = -1;

	while (file && number < 0 && getline(&line, &room, file) > 0) {
		if (strncmp(line, word, len) == 0 && (!len || line[len] == ':'))
			number = strtol(line + len + (len ? 1 : 0), NULL, base);
	}
	if (file)
		fclose(file);
	free(line);
	return number;
}

long refused_status(pid_t pid, const char *word, int base)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return read_number(path, word, base);
}

static bool may_trace_all(void)
{
	long capabilities = refused_status(getpid(), "CapEff", 16);

	return capabilities >= 0 && (capabilities >> CAPABILITY_PTRACE & 1);
}

const char *refused_text(char *text, size_t size, pid_t pid, int error)
{
	long tracer = refused_status(pid, "TracerPid", 10), user = refused_status(pid, "Uid", 10);
	long scope = read_number("/proc/sys/kernel/yama/ptrace_scope", "", 10);

	if (error == ESRCH)
		snprintf(text, size, "there is no process %d", (int)pid);
	else if (error != EPERM && error != EACCES)
		snprintf(text, size, "process %d can't be stopped: %s", (int)pid, strerror(error));
	else if (tracer > 0)
		snprintf(text, size, "process %d is traced by process %ld already, such as a debugger: end that first",
		         (int)pid, tracer);
	else if (user >= 0 && user != (long)geteuid() && !may_trace_all())
		snprintf(text, size, "process %d belongs to another user: do this as root, or as that user", (int)pid);
	else if (scope == 3)
		snprintf(text, size,
		         "this system permits nobody to look into processes "
		         "(kernel.yama.ptrace_scope is 3, until it boots again)");
	else if (scope > 0 && !may_trace_all())
		snprintf(text, size,
		         "this system does not permit to look into processes that run already "
		         "(kernel.yama.ptrace_scope is %ld): do this as root, or set that to 0",
		         scope);
	else
		snprintf(text, size,
		         "the kernel does not permit to look into process %d: it has more privileges, or this is a "
		         "container without CAP_SYS_PTRACE (docker run --cap-add=SYS_PTRACE)",
		         (int)pid);
	return text;
}
