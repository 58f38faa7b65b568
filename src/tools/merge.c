/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See merge.h. */
#include "merge.h"
#include "destination.h"
#include "diag.h"
#include "recovery.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The trace once more, for writing, whatever its name is by now. -1 with errno. */
static int open_for_writing(const struct destination *to)
{
	char link[64];
	int fd;

	if (to->kind == DESTINATION_INHERITED)
		return fcntl(LM_TRACE_FD, F_DUPFD_CLOEXEC, 0);
	snprintf(link, sizeof link, "/proc/self/fd/%d", to->fd);
	fd = open(link, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : open(to->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

/* Writes TEXT behind the first SIZE bytes, all of it or nothing. 0 or an errno. */
static int append(int fd, const char *text, size_t len, off_t size)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, text + done, len - done, size + (off_t)done);
		int error = errno;

		if (n < 0 && error == EINTR)
			continue;
		if (n < 0) {
			if (done && ftruncate(fd, size) != 0)
				return errno;
			return error;
		}
		done += (size_t)n;
	}
	return 0;
}

static int append_rest(const struct destination *to, const struct recovery *rest)
{
	int fd, error;

	if (rest->len == 0)
		return 0;
	fd = open_for_writing(to);
	if (fd < 0)
		return errno;
	/* A limit of the size of files is an error to report, and no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	error = append(fd, rest->text, rest->len, (off_t)rest->size);
	/* What the tracker had in advance of blocks, the command can't give back any more. */
	if (!error && ftruncate(fd, (off_t)(rest->size + rest->len)) != 0)
		error = errno;
	close(fd);
	return error;
}

void merge_journal(const struct destination *to, pid_t pid, const struct diag *diag)
{
	struct recovery rest;
	int found, error;

	if (to->fd < 0)
		return;
	found = recovery_find(&rest, to->fd, to->path, RECOVERY_FILL, diag);
	if (found < 0)
		diag_report(diag, to->path, 0, "what the command left in a journal can not be read: %s",
		            strerror(-found));
	/* The journal of somebody who wrote into the file before is not ours to touch. */
	if (found <= 0 || (to->kind == DESTINATION_INHERITED && rest.pid && rest.pid != (uint64_t)pid)) {
		recovery_free(&rest);
		return;
	}
	error = append_rest(to, &rest);
	if (!error && unlink(rest.journal) != 0)
		error = errno;
	if (error)
		diag_report(diag, rest.journal, 0,
		            "the end of the trace stays in this file, for the commands to read: %s", strerror(error));
	recovery_free(&rest);
}
