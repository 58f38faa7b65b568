/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace and the journal beside it: what recovery_find() makes of them is
 * bounded, and belongs behind the trace. An input is a plan, then the trace's
 * text, then what the ring has from its tail on.
 */
#include "fuzz.h"
#include "journal.h"
#include "recovery.h"

#include <fcntl.h>
#include <sys/stat.h>

/* The numbers are in the machine's byte order. */
struct plan {
	uint64_t start;
	uint64_t written; /* the tail is so far behind the start */
	uint64_t base;
	uint16_t trace; /* bytes of text that are the trace */
	uint8_t shape;
} __attribute__((packed));

enum shape {
	SHAPE_OTHER_MAGIC = 1,
	SHAPE_CUT = 2, /* the file ends in the middle of the ring */
	SHAPE_NAMES_TRACE = 4,
	SHAPE_PACKED = 8,
};

static char directory[] = "/tmp/fuzz-journal-XXXXXX";
static char trace_path[64], journal_path[64];

static void clean_up(void)
{
	unlink(trace_path);
	unlink(journal_path);
	rmdir(directory);
}

static void make_directory(void)
{
	if (trace_path[0])
		return;
	umask(077);
	fuzz_assert(mkdtemp(directory));
	snprintf(trace_path, sizeof trace_path, "%s/t", directory);
	snprintf(journal_path, sizeof journal_path, "%s/t" LM_JOURNAL_SUFFIX, directory);
	atexit(clean_up);
}

static int make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_assert(fd >= 0);
	return fd;
}

static void write_at(int fd, const void *data, size_t len, uint64_t at)
{
	fuzz_assert(len == 0 || pwrite(fd, data, len, (off_t)at) == (ssize_t)len);
}

/* The ring has DATA from position TAIL on; all else is 0. */
static void write_ring(int fd, uint64_t tail, const uint8_t *data, size_t len)
{
	size_t at = tail % LM_JOURNAL_RING, first;

	if (len > LM_JOURNAL_RING)
		len = LM_JOURNAL_RING;
	first = len < LM_JOURNAL_RING - at ? len : LM_JOURNAL_RING - at;
	write_at(fd, data, first, LM_JOURNAL_HEADER + at);
	write_at(fd, data + first, len - first, LM_JOURNAL_HEADER);
}

static void write_journal(const struct plan *plan, int trace, const uint8_t *data, size_t len)
{
	struct lm_journal_header header = {
		.magic = LM_JOURNAL_MAGIC + (plan->shape & SHAPE_OTHER_MAGIC),
		.pid = 1,
		.base = plan->base,
		.start = plan->start,
		.tail = plan->start + plan->written,
		.packed = (plan->shape & SHAPE_PACKED) != 0,
	};
	int fd = make_file(journal_path);
	struct stat st;

	fuzz_assert(fstat(trace, &st) == 0);
	if (plan->shape & SHAPE_NAMES_TRACE) {
		header.device = st.st_dev;
		header.inode = st.st_ino;
	}
	fuzz_assert(ftruncate(fd, LM_JOURNAL_SIZE) == 0);
	lm_journal_header_turn(&header);
	write_at(fd, &header, sizeof header, 0);
	write_ring(fd, plan->start + plan->written, data, len);
	if (plan->shape & SHAPE_CUT)
		fuzz_assert(ftruncate(fd, LM_JOURNAL_SIZE / 2) == 0);
	close(fd);
}

/* How many bytes belong behind the trace; SIZE_MAX if the journal is not used. */
static size_t find(int trace, size_t size, enum recovery_gaps gaps)
{
	struct recovery recovery;
	size_t len = SIZE_MAX;
	int found = recovery_find(&recovery, trace, trace_path, gaps, NULL);

	fuzz_assert(found == 0 || found == 1);
	if (found == 0)
		return len;
	/* Of a copy, a last record that is not whole is left out. */
	fuzz_assert(recovery.size <= size && recovery.len <= LM_JOURNAL_RING);
	len = recovery.len;
	recovery_free(&recovery);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t size, left_out, filled;
	struct plan plan;
	int trace;

	if (len < sizeof plan)
		return 0;
	memcpy(&plan, data, sizeof plan);
	data += sizeof plan;
	len -= sizeof plan;
	size = plan.trace < len ? plan.trace : len;
	make_directory();
	trace = make_file(trace_path);
	write_at(trace, data, size, 0);
	write_journal(&plan, trace, data + size, len - size);
	left_out = find(trace, size, RECOVERY_LEAVE_OUT);
	filled = find(trace, size, RECOVERY_FILL);
	fuzz_assert((left_out == SIZE_MAX) == (filled == SIZE_MAX) && left_out <= filled);
	close(trace);
	return 0;
}
