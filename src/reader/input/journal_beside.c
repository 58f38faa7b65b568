/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See journal_beside.h. */
#include "journal_beside.h"
#include "read_at.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The trace's real name, without links. The tracker names the journal after it. */
static void real_path(char *path, size_t size, int trace)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", trace);
	n = readlink(link, path, size - 1);
	path[n > 0 ? n : 0] = '\0';
}

int journal_beside_open(int trace, const char *path, int access, char **journal)
{
	char real[PATH_MAX];
	const char *const names[] = {path, real};

	real_path(real, sizeof real, trace);
	*journal = NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names && *names[i]; i++) {
		int fd;

		if (asprintf(journal, "%s%s", names[i], LM_JOURNAL_SUFFIX) < 0) {
			*journal = NULL;
			return -ENOMEM;
		}
		/* Without O_NONBLOCK, opening a FIFO of that name would wait. */
		fd = open(*journal, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT && errno != ENAMETOOLONG)
			return -errno;
		free(*journal);
		*journal = NULL;
	}
	return -ENOENT;
}

const char *journal_beside_fault(int error)
{
	return error == ELOOP ? "it is a symbolic link" : strerror(error);
}

/*
 * Checks that nobody but the trace's owner can have written the journal: others
 * may be allowed to make files in its directory. Returns what is wrong, or NULL.
 */
static const char *check_owner(const struct stat *journal, const struct stat *trace)
{
	if (!S_ISREG(journal->st_mode))
		return "it is no regular file";
	if (journal->st_uid != trace->st_uid)
		return "it belongs to another user than the trace";
	if (journal->st_nlink > 1)
		return "it has more than one name";
	if (journal->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner can write to it";
	return NULL;
}

bool journal_beside_is_possible(const struct lm_journal_header *header)
{
	const uint64_t most = INT64_MAX / 4;

	return header->base <= most && header->tail <= most && header->start <= header->tail;
}

int journal_beside_numbers(int fd, struct lm_journal_header *header)
{
	int error = read_at(fd, header, sizeof *header, 0);

	lm_journal_header_turn(header);
	return error;
}

const char *journal_beside_check(int fd, int trace, struct lm_journal_header *header)
{
	struct stat st, of_trace;
	const char *fault;
	int error;

	memset(header, 0, sizeof *header);
	if (fstat(fd, &st) != 0 || fstat(trace, &of_trace) != 0)
		return strerror(errno);
	fault = check_owner(&st, &of_trace);
	if (fault)
		return fault;
	error = journal_beside_numbers(fd, header);
	if (error && error != -ENODATA)
		return strerror(-error);
	if (header->magic != LM_JOURNAL_MAGIC && header->magic != 0)
		return "it is no journal of a trace";
	if ((uint64_t)st.st_size != LM_JOURNAL_SIZE && (header->magic || st.st_size != 0))
		return "it has another size than a journal";
	return NULL;
}

bool journal_beside_names(const struct lm_journal_header *header, const struct stat *trace)
{
	return header->device == trace->st_dev && header->inode == trace->st_ino;
}

void journal_beside_discard(int trace, const char *path)
{
	struct lm_journal_header header;
	char *journal = NULL;
	struct stat st;
	int fd;

	if (fstat(trace, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	while ((fd = journal_beside_open(trace, path, O_RDONLY, &journal)) >= 0) {
		bool removed = !journal_beside_check(fd, trace, &header) && unlink(journal) == 0;

		close(fd);
		free(journal);
		if (!removed)
			return;
	}
	free(journal);
}

int journal_beside_open_live(int trace, const char *path, uint64_t *pid, const char **fault)
{
	struct lm_journal_header header;
	char *journal = NULL;
	struct stat st;
	int fd = journal_beside_open(trace, path, O_RDWR, &journal);

	free(journal);
	*fault = NULL;
	if (fd < 0)
		return fd;
	*fault = journal_beside_check(fd, trace, &header);
	if (!*fault && (fstat(trace, &st) != 0 || !header.magic || !journal_beside_names(&header, &st)))
		*fault = JOURNAL_BESIDE_MISMATCH;
	*pid = header.pid;
	if (!*fault)
		return fd;
	close(fd);
	return -EINVAL;
}
