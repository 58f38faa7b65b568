/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See dump.h. */
#include "dump.h"
#include "array.h"
#include "packed.h"
#include "ram.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A buffer of the dump whose header can be believed. */
struct buffer {
	bool is_big; /* the chip's byte order */
	unsigned pointer_size, kind, format, block_shift;
	uint32_t caller_high, lost, position, reserved;
	const unsigned char *preamble, *area;
	size_t preamble_size, capacity;
};

/* ---- the header ------------------------------------------------------------------- */

static uint32_t word_at(const unsigned char *at, bool is_big)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < 4; i++)
		word = word << 8 | at[is_big ? i : 3 - i];
	return word;
}

#define FIELD(buffer, at, name) word_at((at) + offsetof(struct lm_ram, name), (buffer)->is_big)
#define BYTE(at, name)          ((at)[offsetof(struct lm_ram, name)])

static bool has_right_check(const unsigned char *at, bool is_big)
{
	uint32_t words[6];

	for (size_t i = 0; i < 6; i++)
		words[i] = word_at(at + offsetof(struct lm_ram, order) + 4 * i, is_big);
	return word_at(at + offsetof(struct lm_ram, check), is_big) == lm_ram_check(words);
}

static bool is_usable(const struct buffer *buffer)
{
	const uint32_t position = buffer->position & ~LM_RAM_WRAPPED, reserved = buffer->reserved & ~LM_RAM_WRAPPED;

	if ((buffer->pointer_size != 4 && buffer->pointer_size != 8) || buffer->capacity >= LM_RAM_WRAPPED)
		return false;
	if (buffer->kind == LM_RAM_LIVE)
		return buffer->block_shift < 32;
	if (buffer->kind != LM_RAM_RECORDS || buffer->format >= LM_FORMAT_COUNT || position >= buffer->capacity ||
	    reserved >= buffer->capacity)
		return false;
	return buffer->format != LM_FORMAT_PACKED ||
	       (position | reserved | buffer->capacity | buffer->preamble_size) % LM_PACKED_WORD == 0;
}

/*
 * Reads the header of the buffer that begins at AT with its magic, LEFT bytes in front of the dump's end. NULL, or what
 * is wrong with it; "" if it is no buffer at all.
 */
static const char *take_header(struct buffer *buffer, const unsigned char *at, size_t left)
{
	uint64_t header;

	*buffer = (struct buffer){0};
	if (left < sizeof(struct lm_ram))
		return "";
	buffer->is_big = BYTE(at, order) == LM_RAM_ORDER >> 8;
	if (!buffer->is_big && BYTE(at, order) != (LM_RAM_ORDER & 0xff))
		return "";
	if (at[offsetof(struct lm_ram, order) + 1] != (buffer->is_big ? LM_RAM_ORDER & 0xff : LM_RAM_ORDER >> 8))
		return "";
	if (BYTE(at, version) != LM_RAM_VERSION)
		return "is of a version that this command does not know";
	if (!has_right_check(at, buffer->is_big))
		return "is damaged: its check is wrong";
	header = FIELD(buffer, at, header);
	buffer->preamble_size = FIELD(buffer, at, preamble);
	buffer->capacity = FIELD(buffer, at, capacity);
	if (header < sizeof(struct lm_ram) || header + buffer->preamble_size + buffer->capacity > left)
		return "goes on behind the end of the dump";
	buffer->preamble = at + header;
	buffer->area = buffer->preamble + buffer->preamble_size;
	buffer->pointer_size = BYTE(at, pointer_size);
	buffer->kind = BYTE(at, kind);
	buffer->format = BYTE(at, format);
	buffer->block_shift = BYTE(at, block_shift);
	buffer->caller_high = FIELD(buffer, at, caller_high);
	buffer->lost = FIELD(buffer, at, lost);
	buffer->position = FIELD(buffer, at, position);
	buffer->reserved = FIELD(buffer, at, reserved);
	return is_usable(buffer) ? NULL : "is damaged: its numbers can't be";
}

/* ---- lines ------------------------------------------------------------------------ */

static bool begins_with(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(line, word, strlen(word)) == 0;
}

/* Writes a line. In a packed trace, it is filled up with blanks. */
static void put_line(FILE *out, const struct buffer *buffer, const char *line, size_t len)
{
	bool is_packed = buffer->kind == LM_RAM_RECORDS && buffer->format == LM_FORMAT_PACKED;
	int blanks = is_packed ? (int)(LM_PACKED_WORD - 1 - len % LM_PACKED_WORD) : 0;

	fprintf(out, "%.*s%*s\n", (int)len, line, blanks, "");
}

static void put_number(FILE *out, const struct buffer *buffer, const char *word, uint64_t number)
{
	char line[48];
	int len = snprintf(line, sizeof line, "# %s %" PRIu64, word, number);

	put_line(out, buffer, line, (size_t)len);
}

/* Without INIT, the trace has no beginning: what was recorded first was overwritten. */
static void put_preamble(FILE *out, const struct buffer *buffer, bool with_init)
{
	const char *at = (const char *)buffer->preamble, *end = at + buffer->preamble_size, *next;

	for (; at < end; at = next) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		next = newline ? newline + 1 : end;
		while (len && (at[len - 1] == ' ' || at[len - 1] == '\r'))
			len--;
		if (!len || memchr(at, '\0', len) || begins_with(at, len, "# RAM") ||
		    (!with_init && begins_with(at, len, "+ " LM_TRACE_INIT)))
			continue;
		if (buffer->kind == LM_RAM_LIVE && begins_with(at, len, "# " LM_TRACE_FORMAT " "))
			put_line(out, buffer, "# " LM_TRACE_FORMAT " full", strlen("# " LM_TRACE_FORMAT " full"));
		else
			put_line(out, buffer, at, len);
	}
}

/* ---- the last records -------------------------------------------------------------- */

/* The records as they follow each other. */
struct records {
	char *bytes;
	size_t len;
};

/* 0 or -ENOMEM. */
static int copy_records(struct records *records, const struct buffer *buffer)
{
	size_t position = buffer->position & ~LM_RAM_WRAPPED, reserved = buffer->reserved & ~LM_RAM_WRAPPED;
	size_t from = buffer->reserved & LM_RAM_WRAPPED ? reserved : 0;
	bool turns = buffer->reserved & LM_RAM_WRAPPED && position <= reserved;
	size_t first = turns ? buffer->capacity - from : position - from;

	records->len = first + (turns ? position : 0);
	records->bytes = malloc(records->len + 1);
	if (!records->bytes)
		return -ENOMEM;
	memcpy(records->bytes, buffer->area + from, first);
	memcpy(records->bytes + first, buffer->area, records->len - first);
	return 0;
}

/* Can a record begin at AT, where a line or a word does? */
static bool can_begin(const struct records *records, size_t at, bool is_packed)
{
	const char *text = records->bytes + at;

	if (is_packed && lm_packed_words((unsigned char)*text))
		return true;
	return (*text == '+' || *text == '#') && (at == 0 || text[-1] == '\n') && at + 1 < records->len &&
	       text[1] == ' ';
}

/* Where the first whole record begins. The one in front of it was overwritten in part. */
static size_t first_whole(const struct records *records, bool is_packed)
{
	const char *newline;
	size_t at = 0;

	while (at < records->len && !can_begin(records, at, is_packed)) {
		newline = is_packed ? NULL : memchr(records->bytes + at, '\n', records->len - at);
		if (is_packed)
			at += LM_PACKED_WORD;
		else
			at = newline ? (size_t)(newline + 1 - records->bytes) : records->len;
	}
	return at;
}

/* How many lost events the records tell of themselves. */
static uint64_t told_lost(const struct records *records, bool is_packed)
{
	static const char word[] = "# " LM_TRACE_LOST " ";
	const char *at = records->bytes, *end = at + records->len;
	uint64_t told = 0;

	records->bytes[records->len] = '\0';
	while ((at = memmem(at, (size_t)(end - at), word, sizeof word - 1))) {
		if (is_packed ? (at - records->bytes) % LM_PACKED_WORD == 0 : at == records->bytes || at[-1] == '\n')
			told += strtoul(at + sizeof word - 1, NULL, 10);
		at += sizeof word - 1;
	}
	return told;
}

static int put_records(FILE *out, const struct buffer *buffer)
{
	bool is_packed = buffer->format == LM_FORMAT_PACKED, wrapped = buffer->reserved & LM_RAM_WRAPPED;
	struct records records;
	size_t begin;
	uint64_t told;
	int error = copy_records(&records, buffer);

	if (error)
		return error;
	begin = wrapped ? first_whole(&records, is_packed) : 0;
	told = told_lost(&records, is_packed);
	put_preamble(out, buffer, !wrapped);
	if (buffer->lost > told)
		put_number(out, buffer, LM_TRACE_LOST, buffer->lost - told);
	fwrite(records.bytes + begin, 1, records.len - begin, out);
	free(records.bytes);
	return 0;
}

/* ---- what is live -------------------------------------------------------------------- */

/* A block of the table; false if the entry is none. */
struct live {
	uint64_t address, caller;
	uint32_t size;
	unsigned thread;
};

static bool take_entry(const struct buffer *buffer, size_t index, struct live *live)
{
	const unsigned char *at = buffer->area + index * sizeof(struct lm_ram_entry);
	uint32_t size = word_at(at + offsetof(struct lm_ram_entry, size), buffer->is_big);
	uint32_t caller = word_at(at + offsetof(struct lm_ram_entry, caller), buffer->is_big);

	live->address = (uint64_t)word_at(at + offsetof(struct lm_ram_entry, block), buffer->is_big)
	                << buffer->block_shift;
	live->size = size & LM_RAM_SIZE_MAX;
	live->thread = size >> LM_RAM_SIZE_BITS;
	live->caller = caller ? (uint64_t)buffer->caller_high << 32 | caller : 0;
	if (live->thread == LM_RAM_THREAD_MOVING)
		live->thread = 0;
	return live->address && live->thread != LM_RAM_THREAD_OTHER &&
	       (buffer->pointer_size > 4 || live->address <= UINT32_MAX);
}

static void put_live(FILE *out, const struct buffer *buffer)
{
	size_t room = buffer->capacity / sizeof(struct lm_ram_entry);
	uint64_t count = 0, used = 0;
	struct live live;

	put_preamble(out, buffer, true);
	if (buffer->lost)
		put_number(out, buffer, LM_TRACE_LOST, buffer->lost);
	for (size_t i = 0; i < room; i++)
		count += take_entry(buffer, i, &live);
	put_number(out, buffer, LM_TRACE_LIVE, count);
	for (size_t i = 0; i < room; i++) {
		if (!take_entry(buffer, i, &live))
			continue;
		used += live.size;
		fprintf(out, "+ malloc %" PRIu32 " 0x%" PRIx64 " [%" PRIu64 ":0] thread=%u", live.size, live.address,
		        used, live.thread);
		if (live.caller)
			fprintf(out, "\n[0x%" PRIx64 "]", live.caller);
		putc('\n', out);
	}
}

/* ---- the dump ------------------------------------------------------------------------ */

struct content {
	const unsigned char *bytes;
	size_t len;
	const char *name;
};

static int put_buffer(FILE *out, const struct buffer *buffer)
{
	if (buffer->kind == LM_RAM_RECORDS)
		return put_records(out, buffer);
	put_live(out, buffer);
	return 0;
}

/* Takes the buffers of KIND, and tells of damaged ones if DIAG is not NULL. 0 or -ENOMEM. */
static int take_all(FILE *out, struct dump *dump, const struct content *content, unsigned kind, const struct diag *diag)
{
	const unsigned char *at = content->bytes, *end = at + content->len;

	while (at < end && (at = memmem(at, (size_t)(end - at), LM_RAM_MAGIC, LM_RAM_MAGIC_SIZE))) {
		struct buffer buffer;
		const char *fault = take_header(&buffer, at, (size_t)(end - at));

		if (fault && fault[0])
			diag_report(diag, content->name, 0, "the buffer at offset %zu %s: not used",
			            (size_t)(at - content->bytes), fault);
		if (!fault && buffer.kind == kind) {
			dump->buffers++;
			if (put_buffer(out, &buffer) != 0)
				return -ENOMEM;
		}
		at = fault ? at + 1 : buffer.area + buffer.capacity;
	}
	return 0;
}

int dump_extract(struct dump *dump, const unsigned char *bytes, size_t len, const char *name, const struct diag *diag)
{
	const struct content content = {bytes, len, name};
	FILE *out;
	int error;

	*dump = (struct dump){.text = NULL};
	out = open_memstream(&dump->text, &dump->len);
	if (!out)
		return -ENOMEM;
	error = take_all(out, dump, &content, LM_RAM_LIVE, diag);
	if (!error)
		error = take_all(out, dump, &content, LM_RAM_RECORDS, NULL);
	if (ferror(out) | fclose(out))
		error = -ENOMEM;
	if (error) {
		free(dump->text);
		*dump = (struct dump){.text = NULL};
	}
	return error;
}

/* ---- the file ------------------------------------------------------------------------- */

/* Reads all of the file. 0 or -errno. */
static int read_all(int fd, unsigned char **bytes, size_t *len)
{
	enum { PIECE = 1 << 20, PIECES = 4096 };
	size_t room = 0;

	for (;;) {
		unsigned char *grown = array_grow(*bytes, &room, *len + PIECE, 1);
		ssize_t n;

		if (!grown)
			return -ENOMEM;
		if (*len >= (size_t)PIECES * PIECE)
			return -EFBIG;
		*bytes = grown;
		n = read(fd, grown + *len, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*len += (size_t)n;
	}
}

int dump_read(struct dump *dump, const char *path, const struct diag *diag)
{
	bool is_input = strcmp(path, "-") == 0;
	int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), error;
	unsigned char *bytes = NULL;
	size_t len = 0;

	*dump = (struct dump){.text = NULL};
	if (fd < 0)
		return -errno;
	error = read_all(fd, &bytes, &len);
	if (!is_input)
		close(fd);
	if (!error)
		error = dump_extract(dump, bytes, len, path, diag);
	free(bytes);
	return error;
}
