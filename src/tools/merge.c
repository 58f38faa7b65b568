/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See merge.h. */
#include "merge.h"
#include "destination.h"
#include "diag.h"
#include "packed.h"
#include "process.h"
#include "recovery.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands in front of FORMAT is shorter. */
enum { HEAD_MAX = 64 * 1024 };

static int is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Why the journal can't be merged and removed, or NULL. In a directory that
 * others write to, it can be anybody's file. What holds of the open descriptor
 * holds of what was read from it.
 */
static const char *find_obstacle(const struct recovery *rest, int trace)
{
	struct stat journal, named, owner;

	if (fstat(rest->file, &journal) != 0 || fstat(trace, &owner) != 0 || lstat(rest->journal, &named) != 0)
		return strerror(errno);
	if (!is_same_file(&journal, &named))
		return "it is a link, or was replaced";
	if (!S_ISREG(journal.st_mode))
		return "it is no regular file";
	if (journal.st_uid != owner.st_uid)
		return "it belongs to another user than the trace";
	if (journal.st_nlink != 1)
		return "it has more than one name";
	if (journal.st_mode & (S_IWGRP | S_IWOTH))
		return "others can write to it";
	return NULL;
}

/* ---- appending ---- */

/* Opens the trace by name for writing, if the name still stands for it. -1 with errno. */
static int open_by_name(const struct destination *to)
{
	int fd = open(to->path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat named, trace;

	if (fd < 0)
		return -1;
	if (fstat(fd, &named) == 0 && fstat(to->fd, &trace) == 0 && is_same_file(&named, &trace))
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

/* The trace once more, for writing, whatever its name is by now. -1 with errno. */
static int open_for_writing(const struct destination *to)
{
	char link[64];
	int fd;

	if (to->kind == DESTINATION_INHERITED && !to->has_gone_on)
		return fcntl(LM_TRACE_FD, F_DUPFD_CLOEXEC, 0);
	snprintf(link, sizeof link, "/proc/self/fd/%d", to->fd);
	fd = open(link, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : open_by_name(to);
}

/* Is the file SIZE bytes long? Otherwise somebody else writes to it. */
static int has_size(int fd, off_t size)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == size;
}

/*
 * Appends TEXT to a file of SIZE bytes. 0 or an errno. Part of a text that
 * finds no room is taken back, if nobody has written behind it meanwhile.
 */
static int append(int fd, const char *text, size_t len, off_t size)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, text + done, len - done, size + (off_t)done);
		int error = n < 0 ? errno : EIO;

		if (n < 0 && error == EINTR)
			continue;
		if (n <= 0) {
			if (done && has_size(fd, size + (off_t)done) && ftruncate(fd, size) != 0)
				return errno;
			return error;
		}
		done += (size_t)n;
	}
	return 0;
}

/* Puts the journal's rest behind the trace. 0 or an errno. */
static int append_rest(const struct destination *to, const struct recovery *rest)
{
	const off_t size = (off_t)rest->size, end = size + (off_t)rest->len;
	int fd, error;

	if (rest->len == 0)
		return 0;
	fd = open_for_writing(to);
	if (fd < 0)
		return errno;
	/* A limit of file sizes is an error to report, and no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	error = has_size(fd, size) ? append(fd, rest->text, rest->len, size) : EBUSY;
	/* The tracker allocates blocks in advance. This gives them back; if it can't, nothing is lost. */
	if (!error && has_size(fd, end) && ftruncate(fd, end) != 0)
		error = 0;
	/* A network filesystem may notice only now that the disk is full. */
	if (close(fd) != 0 && !error)
		error = errno;
	return error;
}

/* ---- the whole ---- */

/* What is left of REST goes to LEFT. */
static void leave(struct recovery *rest, struct merge_left *left)
{
	left->text = rest->text;
	left->len = rest->len;
	rest->text = NULL;
}

/* Only a journal whose content the trace has is removed. */
static void remove_journal(const struct recovery *rest, int trace, const struct diag *diag)
{
	/* The kernel can't unlink what a descriptor is open on. So the name is compared just before. */
	const char *obstacle = find_obstacle(rest, trace);

	if (!obstacle && unlink(rest->journal) != 0)
		obstacle = strerror(errno);
	if (obstacle)
		diag_report(diag, rest->journal, 0, "the trace has all of this file, which can not be removed: %s",
		            obstacle);
}

static void merge(const struct destination *to, struct recovery *rest, const struct diag *diag, struct merge_left *left)
{
	const char *obstacle = find_obstacle(rest, to->fd);
	int error;

	if (obstacle) {
		diag_report(diag, rest->journal, 0, "left out: %s", obstacle);
		return;
	}
	error = append_rest(to, rest);
	if (!error) {
		remove_journal(rest, to->fd, diag);
		return;
	}
	leave(rest, left);
	diag_report(diag, rest->journal, 0, "the end of the trace stays in this file, for the commands to read: %s",
	            error == EBUSY ? "another process writes to the trace" : strerror(error));
}

void merge_journal(const struct destination *to, pid_t pid, const struct diag *diag, struct merge_left *left)
{
	struct recovery rest;
	int found;

	*left = (struct merge_left){.text = NULL};
	if (to->fd < 0)
		return;
	found = recovery_find(&rest, to->fd, to->path, RECOVERY_FILL, diag);
	if (found < 0)
		diag_report(diag, to->path, 0, "what the command left in a journal can not be read: %s",
		            strerror(-found));
	if (found <= 0)
		return;
	/* Another process that writes to the same file may be alive, and its journal in use. */
	if (rest.pid && rest.pid != (uint64_t)pid) {
		if (to->kind == DESTINATION_FILE)
			diag_report(diag, rest.journal, 0, "left alone: it belongs to process %" PRIu64, rest.pid);
	} else {
		merge(to, &rest, diag, left);
	}
	recovery_free(&rest);
}

/* ---- how it ended --------------------------------------------------------------- */

/* Are the records of the trace, which begins at START, words? That is said in its first lines. */
static bool is_packed(int fd, off_t start)
{
	static const char line[] = "\n# " LM_TRACE_FORMAT " packed";
	char *head = malloc(HEAD_MAX);
	ssize_t n = head ? pread(fd, head, HEAD_MAX, start) : 0;
	bool found = n > 0 && memmem(head, (size_t)n, line, sizeof line - 1);

	free(head);
	return found;
}

/* Does the trace end with a whole record? The kernel may have cut the last one. */
static bool ends_whole(const struct destination *to, off_t size, bool packed)
{
	char last;

	if (packed)
		return (size - to->start) % LM_PACKED_WORD == 0;
	return size > to->start && pread(to->fd, &last, 1, size - 1) == 1 && last == '\n';
}

bool merge_is_packed(const struct destination *to)
{
	return is_packed(to->fd, to->start);
}

void merge_lines(const struct destination *to, const char *lines, size_t len)
{
	struct stat st;
	int fd;

	if (to->fd < 0 || fstat(to->fd, &st) != 0 || !S_ISREG(st.st_mode) || process_holds_lock(to->fd) ||
	    !ends_whole(to, st.st_size, merge_is_packed(to)))
		return;
	fd = open_for_writing(to);
	if (fd < 0)
		return;
	signal(SIGXFSZ, SIG_IGN);
	append(fd, lines, len, st.st_size);
	close(fd);
}

void merge_killed(const struct destination *to, int signal)
{
	char line[64];
	int length;

	if (to->fd < 0)
		return;
	length = snprintf(line, sizeof line, "# " LM_TRACE_KILLED " %d", signal);
	while (merge_is_packed(to) && (length + 1) % LM_PACKED_WORD)
		line[length++] = ' ';
	line[length++] = '\n';
	/* Nothing is lost without it. */
	merge_lines(to, line, (size_t)length);
}

void merge_left_free(struct merge_left *left)
{
	free(left->text);
	*left = (struct merge_left){.text = NULL};
}
