/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See perf_map.h. */
#include "perf_map.h"
#include "array.h"
#include "cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* More than engines write, and little enough for memory. */
	TEXT_MAX = 32 << 20,
	PIECES_MAX = 1 << 20,
	NAME_MAX_LEN = 4096,
	/* The kernel's clock for files is a little behind. */
	SLACK_MS = 2000,
};

/* ---- the text ------------------------------------------------------------- */

/* Takes "from size name", the numbers in hexadecimal. */
static bool take_piece(const char *text, size_t len, struct perf_piece *piece)
{
	struct cursor c = cursor_start(text, len);
	uint64_t size;

	cursor_literal(&c, "0x");
	if (!cursor_hex(&c, &piece->from) || !cursor_byte(&c, ' '))
		return false;
	cursor_literal(&c, "0x");
	if (!cursor_hex(&c, &size) || !cursor_byte(&c, ' ') || !size ||
	    __builtin_add_overflow(piece->from, size, &piece->to))
		return false;
	piece->name = c.at;
	piece->len = (size_t)(c.end - c.at);
	if (piece->len && piece->name[piece->len - 1] == '\r')
		piece->len--;
	if (piece->len > NAME_MAX_LEN)
		piece->len = NAME_MAX_LEN;
	return piece->len && !memchr(piece->name, '\0', piece->len);
}

static int compare(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* The part that begins at ADDRESS, which is a border; or the one that ADDRESS is in. Parts are counted from 0. */
static size_t find_part(const struct perf_map *map, uint64_t address)
{
	size_t low = 0, high = map->parts;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (map->borders[middle] <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static size_t count_different(uint64_t *sorted, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!kept || sorted[kept - 1] != sorted[i])
			sorted[kept++] = sorted[i];
	return kept;
}

/* The first part from AT on that has no owner yet. NEXT has hints, which become better. */
static uint32_t first_free(uint32_t *next, uint32_t at)
{
	uint32_t found = at;

	while (next[found] != found)
		found = next[found];
	while (next[at] != found) {
		uint32_t after = next[at];

		next[at] = found;
		at = after;
	}
	return found;
}

/* Code takes the place of older code, so each part belongs to the piece that came last. */
static int give_parts(struct perf_map *map)
{
	uint32_t *next;

	map->borders = reallocarray(NULL, 2 * map->count + 1, sizeof *map->borders);
	if (!map->borders)
		return -ENOMEM;
	for (size_t i = 0; i < map->count; i++) {
		map->borders[2 * i] = map->pieces[i].from;
		map->borders[2 * i + 1] = map->pieces[i].to;
	}
	qsort(map->borders, 2 * map->count, sizeof *map->borders, compare);
	map->parts = count_different(map->borders, 2 * map->count);
	map->owners = calloc(map->parts + 1, sizeof *map->owners);
	next = reallocarray(NULL, map->parts + 1, sizeof *next);
	if (!map->owners || !next) {
		free(next);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i <= map->parts; i++)
		next[i] = i;
	for (size_t i = map->count; i > 0; i--) {
		uint32_t end = (uint32_t)find_part(map, map->pieces[i - 1].to);
		uint32_t at = first_free(next, (uint32_t)find_part(map, map->pieces[i - 1].from));

		for (; at < end; at = first_free(next, at)) {
			map->owners[at] = (uint32_t)i;
			next[at] = at + 1;
		}
	}
	free(next);
	return 0;
}

int perf_map_add(struct perf_map *map, char *text, size_t len)
{
	struct cursor c = cursor_start(text, len);
	struct perf_piece piece, *grown;
	const char *line;
	size_t line_len;
	int error;

	map->text = text;
	while (!cursor_at_end(&c) && map->count < PIECES_MAX) {
		if (cursor_until(&c, '\n', &line, &line_len) && take_piece(line, line_len, &piece)) {
			grown = array_grow(map->pieces, &map->room, map->count + 1, sizeof *grown);
			if (!grown)
				return -ENOMEM;
			map->pieces = grown;
			grown[map->count++] = piece;
		}
		cursor_byte(&c, '\n');
	}
	error = map->count ? give_parts(map) : 0;
	if (error)
		map->parts = 0;
	return error || cursor_at_end(&c) ? error : -E2BIG;
}

/* ---- the file ------------------------------------------------------------- */

static int64_t in_ms(int64_t seconds, int64_t nanoseconds)
{
	return seconds * 1000 + nanoseconds / 1000000;
}

/*
 * Why the file of STATUS can't be of the process; NULL if it can. The trace's file belongs to whom the process belonged
 * to. It is as old as the process, or a copy; then its last change and the time that it covers tell. What IS_KEPT was
 * compared with the trace when it was copied.
 */
static const char *contradiction(const struct perf_process *process, const struct stat *status, bool is_kept)
{
	const int64_t changed = in_ms(status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
	int64_t written, begun;
	struct statx trace;

	if (!S_ISREG(status->st_mode) || status->st_nlink != 1 || status->st_mode & S_IWOTH)
		return "it is no regular file that only its owner's programs can write to";
	if (statx(process->trace, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &trace) != 0 ||
	    !S_ISREG(trace.stx_mode))
		return status->st_uid == geteuid() ? NULL : "it belongs to another user";
	if (status->st_uid != trace.stx_uid)
		return "it belongs to another user than the trace";
	if (is_kept)
		return NULL;
	written = in_ms(trace.stx_mtime.tv_sec, trace.stx_mtime.tv_nsec);
	begun = process->time < INT64_MAX / 2 ? written - (int64_t)process->time : INT64_MIN;
	if (trace.stx_mask & STATX_BTIME && in_ms(trace.stx_btime.tv_sec, trace.stx_btime.tv_nsec) < begun)
		begun = in_ms(trace.stx_btime.tv_sec, trace.stx_btime.tv_nsec);
	if (changed + SLACK_MS < begun)
		return "it is older than the trace: another process had that number";
	if (process->finished && changed > written + SLACK_MS)
		return "it is newer than the trace: another process has that number";
	return NULL;
}

/* The path of the copy beside the trace, or of the process's own file. NULL without memory. */
static char *path_of(const struct perf_process *process, bool is_kept)
{
	char *path;
	int len = is_kept ? asprintf(&path, "%s.perf-%" PRIu64 ".map", process->path, process->pid)
	                  : asprintf(&path, "/tmp/perf-%" PRIu64 ".map", process->pid);

	return len < 0 ? NULL : path;
}

/*
 * Opens the file PATH if it can be of the process. A descriptor; -ENOENT if there is none that can be used, after a
 * message if there is one.
 */
static int open_file(const struct perf_process *process, const char *path, bool is_kept, uint64_t *size,
                     const struct diag *diag)
{
	struct stat status;
	const char *why;
	/* Anybody can have put a link or a pipe there. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		if (errno != ENOENT)
			diag_report(diag, path, 0, "not used: %s", strerror(errno));
		return -ENOENT;
	}
	why = fstat(fd, &status) == 0 ? contradiction(process, &status, is_kept) : strerror(errno);
	if (!why) {
		*size = (uint64_t)status.st_size;
		return fd;
	}
	diag_report(diag, path, 0, "not used: %s", why);
	close(fd);
	return -ENOENT;
}

/* Reads at most ROOM bytes. Their number or -errno. */
static ssize_t read_all(int fd, char *to, size_t room)
{
	size_t len = 0;
	ssize_t n;

	while (len < room && ((n = read(fd, to + len, room - len)) > 0 || (n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	return len < room && n < 0 ? -errno : (ssize_t)len;
}

/* Reads the file of SIZE bytes, or its beginning, into memory that the caller frees. Its length or -errno. */
static ssize_t read_text(int fd, uint64_t size, char **text)
{
	size_t room = size < TEXT_MAX ? (size_t)size : TEXT_MAX;
	ssize_t len;
	char *shorter;

	*text = malloc(room + 1);
	len = *text ? read_all(fd, *text, room) : -ENOMEM;
	if (len < 0) {
		free(*text);
		return len;
	}
	shorter = realloc(*text, (size_t)len + 1);
	if (shorter)
		*text = shorter;
	return len;
}

static int read_file(struct perf_map *map, int fd, uint64_t size, const char *path)
{
	char *text;
	ssize_t len = read_text(fd, size, &text);
	int error;

	if (len < 0)
		return (int)len;
	error = perf_map_add(map, text, (size_t)len);
	if (error == -E2BIG || size > TEXT_MAX)
		diag_report(map->diag, path, 0, "is too large: only its first %zu names are used", map->count);
	return error == -E2BIG ? 0 : error;
}

/* Reads the copy beside the trace, or else the process's own file. 1 if it was there; 0; or -ENOMEM. */
static int load_one(struct perf_map *map, bool is_kept)
{
	char *path = path_of(&map->process, is_kept);
	uint64_t size = 0;
	int fd = path ? open_file(&map->process, path, is_kept, &size, map->diag) : -ENOMEM, error;

	if (fd < 0) {
		free(path);
		return fd == -ENOMEM ? fd : 0;
	}
	error = read_file(map, fd, size, path);
	if (error && error != -ENOMEM)
		diag_report(map->diag, path, 0, "not used: %s", strerror(-error));
	close(fd);
	free(path);
	return error == -ENOMEM ? error : 1;
}

/* Only a lack of memory is an error. */
static int load(struct perf_map *map)
{
	int loaded = map->process.path ? load_one(map, true) : 0;

	if (!loaded && !map->process.is_elsewhere)
		loaded = load_one(map, false);
	return loaded < 0 ? loaded : 0;
}

/* ---- the copy ------------------------------------------------------------- */

/* A file of that name is an older trace's: the directory may be everybody's, so it is not written into. */
static int write_file(const char *path, const char *text, size_t len)
{
	ssize_t n = 0;
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; n >= 0 && done<len; done += n> 0 ? (size_t)n : 0) {
		n = write(fd, text + done, len - done);
		if (n < 0 && errno == EINTR)
			n = 0;
	}
	n = n < 0 ? -errno : 0;
	if (n)
		unlink(path);
	close(fd);
	return (int)n;
}

int perf_map_keep(const struct perf_process *process, const struct diag *diag)
{
	char *from = path_of(process, false), *to = path_of(process, true), *text;
	uint64_t size = 0;
	int fd = from && to ? open_file(process, from, false, &size, diag) : -ENOMEM, error = fd;

	if (fd >= 0) {
		ssize_t len = read_text(fd, size, &text);

		error = len < 0 ? (int)len : write_file(to, text, (size_t)len);
		if (len >= 0)
			free(text);
		close(fd);
	}
	free(from);
	free(to);
	return error == -ENOENT ? 0 : error;
}

const char *perf_map_find(struct perf_map *map, uint64_t address, size_t *len, int *error)
{
	const struct perf_piece *piece;
	uint32_t owner;

	*error = 0;
	if (!map->looked) {
		map->looked = true;
		*error = load(map);
	}
	if (*error || !map->parts || address < map->borders[0])
		return NULL;
	owner = map->owners[find_part(map, address)];
	if (!owner)
		return NULL;
	piece = &map->pieces[owner - 1];
	*len = piece->len;
	return piece->name;
}

void perf_map_free(struct perf_map *map)
{
	free(map->text);
	free(map->pieces);
	free(map->borders);
	free(map->owners);
	*map = (struct perf_map){0};
}
