/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See journals.h. */
#include "journals.h"
#include "support.h"
#include "trace.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct journal_made made;

static void remember(void *context, const char *file, uint64_t line, const char *message)
{
	(void)context;
	(void)line;
	made.messages++;
	snprintf(made.last_message, sizeof made.last_message, "%s: %s", strrchr(file, '/') + 1, message);
}

const struct diag journal_diag = {.report = remember};

unsigned char *journal_ring(void)
{
	return made.image + LM_JOURNAL_HEADER;
}

const char *journal_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", scratch(), name);
	return path;
}

void journal_begin(const char *base)
{
	memset(made.image, 0, sizeof made.image);
	made.header.magic = LM_JOURNAL_MAGIC;
	made.header.pid = 4711;
	made.header.base = strlen(base);
	made.head = 0;
	snprintf(made.before, sizeof made.before, "%s", base);
}

void journal_store(uint64_t position, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		journal_ring()[(position + i) % LM_JOURNAL_RING] = ((const unsigned char *)bytes)[i];
}

void journal_put(const char *record)
{
	journal_store(made.head, record, strlen(record));
	memcpy(made.stream + made.head, record, strlen(record));
	made.head += strlen(record);
}

void journal_put_pending(const char *record)
{
	uint64_t at = made.head;
	uint32_t len = lm_journal_length((uint32_t)strlen(record));
	char mark[8] = {LM_JOURNAL_PENDING};

	journal_put(record);
	memcpy(mark + 1, &len, sizeof len);
	journal_store(at, mark, sizeof mark);
}

void journal_tell(uint64_t tail)
{
	for (uint64_t at = made.header.tail; at < tail; at++)
		journal_ring()[at % LM_JOURNAL_RING] = 0;
	made.header.tail = tail;
}

void journal_save_alone(void)
{
	static const unsigned char nothing[4096];
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "%s/t.journal", scratch());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, sizeof made.image), 0);
	lm_journal_header_turn(&made.header);
	for (size_t at = 0; at < sizeof made.image; at += sizeof nothing) {
		if (memcmp(made.image + at, nothing, sizeof nothing) != 0)
			ck_assert_int_eq(pwrite(fd, made.image + at, sizeof nothing, (off_t)at), sizeof nothing);
	}
	lm_journal_header_turn(&made.header);
	ck_assert_int_eq(close(fd), 0);
}

void journal_save(uint64_t written)
{
	size_t base = strlen(made.before);
	char *text = malloc(base + written);

	ck_assert_ptr_nonnull(text);
	memcpy(text, made.before, base);
	memcpy(text + base, made.stream, written);
	write_file("t", text, base + written);
	journal_save_alone();
	free(text);
}

const char *journal_calls(void)
{
	static char text[512];
	static struct trace trace;
	struct trace_item item;
	char path[PATH_MAX];
	size_t used = 0;
	int got;

	text[0] = '\0';
	made.messages = 0;
	snprintf(path, sizeof path, "%s/t", scratch());
	ck_assert_int_eq(trace_open(&trace, path, &journal_diag), 0);
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind == TRACE_CALL && used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "%lld/%zu ",
			                         (long long)item.event.change,
			                         stacks_get(&trace.image.stacks, item.stack).depth);
	}
	ck_assert_int_eq(got, 0);
	trace_close(&trace);
	return text;
}

void journal_name_trace(void)
{
	struct stat st;

	ck_assert_int_eq(stat(journal_path("t"), &st), 0);
	made.header.device = st.st_dev;
	made.header.inode = st.st_ino;
	journal_save_alone();
}

void journal_name_no_trace(void)
{
	made.header.device = made.header.inode = 0;
	journal_save_alone();
}

void journal_copies_read(const char *expected)
{
	ck_assert_str_eq(journal_calls(), expected);
	ck_assert_msg(made.messages == 0, "%s", made.last_message);
}

void journal_reads(const char *expected)
{
	journal_copies_read(expected);
	journal_name_trace();
	ck_assert_str_eq(journal_calls(), expected);
	ck_assert_msg(made.messages == 0, "%s", made.last_message);
	journal_name_no_trace();
}

void journal_copies_read_and_tell(const char *expected, const char *what)
{
	ck_assert_str_eq(journal_calls(), expected);
	ck_assert_uint_eq(made.messages, 1);
	ck_assert_msg(strstr(made.last_message, what) != NULL, "%s", made.last_message);
}

void journal_reads_without(const char *expected, const char *why)
{
	journal_copies_read_and_tell(expected, why);
	journal_name_trace();
	journal_copies_read_and_tell(expected, why);
	journal_name_no_trace();
}
