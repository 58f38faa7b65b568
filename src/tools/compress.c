/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See compress.h. */
#include "compress.h"
#include "cli.h"
#include "destination.h"
#include "forward.h"
#include "journal.h"
#include "kept.h"
#include "older.h"
#include "progress.h"
#include "trace_format.h"
#include "unpack.h"
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

/*
 * Level 1 takes a trace to a fifth or less, at 200 MB a second. Levels up to 5 do not
 * take it further, and level 9 takes a tenth off that in seven times the time.
 */
enum { LEVEL = 1 };

/* Random letters replace the last six. */
#define UNFINISHED ".XXXXXX"

struct work {
	int from, to;                                  /* the trace, and the new file */
	char path[PATH_MAX];                           /* the trace, without links */
	char unfinished[PATH_MAX + sizeof UNFINISHED]; /* the new file, until it is whole */
	struct stat trace;
	struct input_progress progress;
};

static bool shows_progress;

void compress_prepare(bool progress)
{
	shows_progress = progress;
	/* A limit of file sizes is an error to report, and no reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	forward_catch();
}

/* ---- whether it can be ---- */

static bool is_at(const struct stat *file, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* A journal that is still there has the end of the trace, or is another process's. */
static bool has_journal(const char *path)
{
	char journal[PATH_MAX + sizeof LM_JOURNAL_SUFFIX];
	struct stat st;

	snprintf(journal, sizeof journal, "%s" LM_JOURNAL_SUFFIX, path);
	return lstat(journal, &st) == 0;
}

static const char *find_obstacle(const struct work *work, const struct destination *to, pid_t pid)
{
	if (forward_caught())
		return "interrupted";
	if (work->trace.st_nlink != 1)
		return "it has more than one name";
	if (has_journal(to->path) || has_journal(work->path))
		return "its journal is still there";
	if (writer_is_alive(to->fd, to->path, pid))
		return "another process writes to it";
	return NULL;
}

/* ---- the new file ---- */

/* It gets what belongs to the trace beside its content. 0 or an errno. */
static int copy_properties(const struct work *work)
{
	char note[64];
	ssize_t n = fgetxattr(work->from, LM_TRACE_NOTE, note, sizeof note);
	struct stat st;

	if (fstat(work->to, &st) != 0)
		return errno;
	if ((st.st_uid != work->trace.st_uid || st.st_gid != work->trace.st_gid) &&
	    fchown(work->to, work->trace.st_uid, work->trace.st_gid) != 0)
		return errno;
	if (fchmod(work->to, work->trace.st_mode & 07777) != 0)
		return errno;
	return n > 0 && fsetxattr(work->to, LM_TRACE_NOTE, note, (size_t)n, 0) != 0 ? errno : 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : EIO;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Compresses BYTES into FD by way of ROOM; with IS_LAST, ends the frame. 0 or an errno. */
static int put(ZSTD_CCtx *zstd, int fd, const ZSTD_inBuffer *bytes, bool is_last, char *room)
{
	ZSTD_inBuffer in = *bytes;
	size_t left;

	do {
		ZSTD_outBuffer out = {room, ZSTD_CStreamOutSize(), 0};
		int error;

		left = ZSTD_compressStream2(zstd, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return ZSTD_getErrorCode(left) == ZSTD_error_srcSize_wrong ? EBUSY : ENOMEM;
		error = write_all(fd, room, out.pos);
		if (error)
			return error;
	} while (is_last ? left != 0 : in.pos < in.size);
	return 0;
}

/* Compresses the trace's bytes. BUFFER has room for a piece of the trace, ROOM for one of the new file. */
static int put_trace(struct work *work, ZSTD_CCtx *zstd, char *buffer, char *room)
{
	off_t done = 0;
	int error = 0;

	while (!error) {
		ssize_t n = pread(work->from, buffer, ZSTD_CStreamInSize(), done);

		if (forward_caught())
			return EINTR;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		error = put(zstd, work->to, &(ZSTD_inBuffer){buffer, (size_t)n, 0}, n == 0, room);
		if (n == 0)
			break;
		done += n;
		if (work->progress.show)
			work->progress.show((uint64_t)done, (uint64_t)work->trace.st_size);
	}
	/* Otherwise somebody else writes to it. */
	return error || done == work->trace.st_size ? error : EBUSY;
}

static int fill(struct work *work)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	char *buffer = malloc(ZSTD_CStreamInSize()), *room = malloc(ZSTD_CStreamOutSize());
	int error = ENOMEM;

	if (zstd && buffer && room) {
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
		ZSTD_CCtx_setPledgedSrcSize(zstd, (unsigned long long)work->trace.st_size);
		error = put_trace(work, zstd, buffer, room);
	}
	ZSTD_freeCCtx(zstd);
	free(buffer);
	free(room);
	if (work->progress.hide)
		work->progress.hide();
	return error;
}

/* Makes the new file and puts it in the trace's place. Its size; or 0, and ERROR is an errno. */
static uintmax_t replace(struct work *work, int *error)
{
	struct stat st, now;

	*error = copy_properties(work);
	if (!*error)
		*error = fill(work);
	if (!*error && fstat(work->to, &st) != 0)
		*error = errno;
	/* A network filesystem may notice only now that the disk is full. */
	if (close(work->to) != 0 && !*error)
		*error = errno;
	if (!*error && (fstat(work->from, &now) != 0 || now.st_size != work->trace.st_size))
		*error = EBUSY;
	if (!*error && !is_at(&work->trace, work->path))
		*error = ESTALE;
	if (!*error && rename(work->unfinished, work->path) != 0)
		*error = errno;
	if (!*error)
		return (uintmax_t)st.st_size;
	unlink(work->unfinished);
	return 0;
}

static const char *reason(int error)
{
	switch (error) {
	case EINTR:
		return "interrupted";
	case EBUSY:
		return "another process writes to it";
	case ESTALE:
		return "another file has taken its name";
	default:
		return strerror(error);
	}
}

uintmax_t compress_trace(const struct destination *to, pid_t pid)
{
	static bool is_told;
	struct work work = {.from = to->fd};
	uintmax_t size = 0;
	const char *why;
	int error = 0;

	/* A trace that was moved or removed is somebody else's affair. */
	if (to->fd < 0 || fstat(to->fd, &work.trace) != 0 || !S_ISREG(work.trace.st_mode) ||
	    !realpath(to->path, work.path) || !is_at(&work.trace, work.path))
		return 0;
	why = find_obstacle(&work, to, pid);
	if (!why) {
		if (shows_progress)
			work.progress = progress_line("log-malloc");
		snprintf(work.unfinished, sizeof work.unfinished, "%s" UNFINISHED, work.path);
		work.to = mkostemp(work.unfinished, O_CLOEXEC);
		if (work.to < 0)
			error = errno;
		else
			size = replace(&work, &error);
		why = error ? reason(error) : NULL;
	}
	if (why && !is_told)
		cli_error("%s is not compressed: %s", to->path, why);
	/* An interruption need not be told again of each trace behind. */
	is_told = forward_caught() != 0;
	return size;
}

/* FILE is one of this run's, unless an earlier one has compressed it. Closes it. */
static void compress_other(struct destination *file, pid_t pid)
{
	char first[UNPACK_MAGIC];
	ssize_t n = pread(file->fd, first, sizeof first, 0);

	if (n < 0 || unpack_recognize(first, (size_t)n) == UNPACK_PLAIN)
		compress_trace(file, pid);
	close(file->fd);
}

static void compress_older(const struct destination *to, struct destination *file, pid_t pid)
{
	const unsigned count = older_last(to->path);

	for (unsigned number = 1; number <= count && !forward_caught(); number++) {
		older_name(file->path, to->path, number);
		file->fd = open(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (file->fd >= 0)
			compress_other(file, pid);
	}
}

static void compress_kept(const struct destination *to, struct destination *file, pid_t pid)
{
	struct kept kept = {{0}};

	while (!forward_caught() && (file->fd = kept_next(&kept, to->path, file->path)) >= 0)
		compress_other(file, pid);
}

void compress_others(const struct destination *to, pid_t pid)
{
	struct destination file = {.kind = DESTINATION_FILE, .name = to->name};

	if (to->fd < 0)
		return;
	compress_older(to, &file, pid);
	compress_kept(to, &file, pid);
}
