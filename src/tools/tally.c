/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See tally.h. */
#include "tally.h"
#include "missing.h"
#include "packed.h"
#include "trace_format.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK         (1 << 18)
#define INIT          "+ " LM_TRACE_INIT " "
#define FINI          "+ " LM_TRACE_FINI " "
#define EXE           "# " LM_TRACE_EXE " "
#define LOST          "# " LM_TRACE_LOST " "
#define LIMIT         "# " LM_TRACE_LIMIT " "
#define LIVE          "# " LM_TRACE_LIVE " "
#define CONTINUED     "# " LM_TRACE_CONTINUED
#define FORMAT_PACKED "# " LM_TRACE_FORMAT " packed"
#define FORMAT_FULL   "# " LM_TRACE_FORMAT " full"
#define MAPS          "# " LM_TRACE_FILE " "

/* So many bytes at the beginning of a line tell INIT and FINI from other lines. */
enum { HEAD = sizeof INIT - 1 };

/* The packed format needs no more than this for an event, its backtraces and all else included. */
enum { PACKED_BYTES = 13 };

struct count {
	struct tally *tally;
	char *held;        /* CHUNK bytes: what was read and not counted yet. It begins at the beginning of a line. */
	size_t length;     /* bytes in HELD */
	bool is_begun;     /* the last line was INIT */
	bool is_full;      /* frames follow each event */
	bool is_in_maps;   /* lines are those of the memory map */
	uintmax_t shorter; /* when packed: bytes of events, and of frames that are written again and again */
	uintmax_t live;    /* events that were none: blocks that were live when the file began */
	bool is_counted;   /* HELD begins in a line that was longer than CHUNK and is counted already */
};

/* If the path is too long, its end is kept: that tells more than its beginning. */
static void take_exe(struct tally *tally, const char *path, size_t len)
{
	size_t room = sizeof tally->exe - 1, skip = len > room ? len - room : 0;

	memcpy(tally->exe, path + skip, len - skip);
	tally->exe[len - skip] = '\0';
}

static uintmax_t number_of(const char *text, size_t len)
{
	uintmax_t number = 0;

	for (; len && *text >= '0' && *text <= '9'; text++, len--)
		number = 10 * number + (uintmax_t)(*text - '0');
	return number;
}

/* ---- lines -------------------------------------------------------------------------- */

static bool begins_with(const char *line, size_t len, const char *text, size_t text_len)
{
	return len >= text_len && memcmp(line, text, text_len) == 0;
}

static void take_live(struct count *count, uintmax_t live)
{
	count->live += live;
	count->tally->has_older = true;
}

static void count_information(struct count *count, const char *line, size_t len)
{
	if (begins_with(line, len, EXE, sizeof EXE - 1))
		take_exe(count->tally, line + sizeof EXE - 1, len - (sizeof EXE - 1));
	else if (begins_with(line, len, LOST, sizeof LOST - 1))
		count->tally->lost += number_of(line + sizeof LOST - 1, len - (sizeof LOST - 1));
	else if (begins_with(line, len, LIMIT, sizeof LIMIT - 1))
		count->tally->limit = number_of(line + sizeof LIMIT - 1, len - (sizeof LIMIT - 1));
	else if (count->is_begun && begins_with(line, len, LIVE, sizeof LIVE - 1))
		take_live(count, number_of(line + sizeof LIVE - 1, len - (sizeof LIVE - 1)));
	else if (begins_with(line, len, FORMAT_PACKED, sizeof FORMAT_PACKED - 1))
		count->tally->is_packed = true;
	else if (begins_with(line, len, FORMAT_FULL, sizeof FORMAT_FULL - 1))
		count->is_full = true;
	count->is_in_maps = begins_with(line, len, MAPS, sizeof MAPS - 1);
}

/* What the packed format makes shorter: not the backtraces of the compact one, which has each once. */
static void count_bytes(struct count *count, const char *line, size_t len)
{
	if (len && line[0] == '+')
		count->is_in_maps = false;
	if (len && (line[0] == '+' || (line[0] != '#' && count->is_full && !count->is_in_maps)))
		count->shorter += len + 1;
}

static void count_line(struct count *count, const char *line, size_t len)
{
	count_bytes(count, line, len);
	if (len && line[0] == '#')
		count_information(count, line, len);
	count->is_begun = begins_with(line, len, INIT, HEAD);
	count->tally->is_older = begins_with(line, len, CONTINUED, sizeof CONTINUED - 1);
	if (len < 2 || line[0] != '+' || line[1] != ' ')
		return;
	if (begins_with(line, len, INIT, HEAD)) {
		count->tally->starts++;
		count->tally->finished = false;
	} else if (begins_with(line, len, FINI, HEAD)) {
		count->tally->finished = true;
	} else {
		count->tally->events++;
	}
}

/* Does a line begin with BYTE? Every other byte begins a word of a packed trace. */
static bool is_text(const struct count *count, unsigned char byte)
{
	return !count->tally->is_packed || (byte && byte < LM_PACKED_FREE);
}

/* Counts the packed records from AT on. Returns where a line begins, or what is not a whole record. */
static const char *count_packed(struct count *count, const char *at, const char *end)
{
	while (at < end && !is_text(count, (unsigned char)*at)) {
		unsigned words = lm_packed_words((unsigned char)*at);
		size_t length = LM_PACKED_WORD * (words ? words : 1);

		if ((size_t)(end - at) < length)
			break;
		count->tally->events += words && (unsigned char)*at != LM_PACKED_NODE;
		count->tally->is_older = false;
		at += length;
	}
	return at;
}

/* Counts the complete lines and records from AT on. Returns where the last, incomplete one begins. */
static const char *count_records(struct count *count, const char *at, const char *end)
{
	const char *newline;

	for (;;) {
		if (!count->is_counted)
			at = count_packed(count, at, end);
		if (at == end || !(count->is_counted || is_text(count, (unsigned char)*at)))
			return at;
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return at;
		/* A line that was longer than the buffer has been counted already. */
		if (!count->is_counted)
			count_line(count, at, (size_t)(newline - at));
		count->is_counted = false;
		at = newline + 1;
	}
}

/* Counts what is held. What is incomplete moves to the front. */
static void count_held(struct count *count)
{
	const char *end = count->held + count->length, *rest = count_records(count, count->held, end);

	count->length = (size_t)(end - rest);
	memmove(count->held, rest, count->length);
	if (count->length < CHUNK && !count->is_counted)
		return;
	if (!count->is_counted)
		count_line(count, count->held, count->length);
	count->is_counted = true;
	count->length = 0;
}

static int count_file(struct count *count, int fd, off_t start)
{
	ssize_t n;

	while ((n = pread(fd, count->held + count->length, CHUNK - count->length, start)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		start += n;
		count->tally->bytes += (uintmax_t)n;
		count->length += (size_t)n;
		count_held(count);
	}
	return n < 0 ? errno : 0;
}

static void count_text(struct count *count, const char *text, size_t len)
{
	while (len) {
		size_t room = CHUNK - count->length, n = len < room ? len : room;

		memcpy(count->held + count->length, text, n);
		count->length += n;
		text += n;
		len -= n;
		count_held(count);
	}
}

/* About how many bytes fewer the packed format would have needed. */
static uintmax_t estimate_saving(const struct count *count)
{
	uintmax_t packed = PACKED_BYTES * count->tally->events;

	return count->tally->is_packed || packed >= count->shorter ? 0 : count->shorter - packed;
}

int tally_file(int fd, off_t start, const char *text, size_t len, struct tally *tally)
{
	struct count count = {.tally = tally, .held = malloc(CHUNK)};
	int error;

	memset(tally, 0, sizeof *tally);
	if (!count.held)
		return ENOMEM;
	error = count_file(&count, fd, start);
	count_text(&count, text, len);
	/* If the process was killed, the last line may be incomplete. */
	if (count.length && is_text(&count, (unsigned char)*count.held))
		count_line(&count, count.held, count.length);
	tally->events -= count.live < tally->events ? count.live : tally->events;
	tally->saving = estimate_saving(&count);
	free(count.held);
	missing_find(fd, tally);
	return error;
}
