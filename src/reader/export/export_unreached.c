/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export_unreached.h. */
#include "export_unreached.h"
#include "packed.h"
#include "trace_format.h"

#include <errno.h>
#include <inttypes.h>

/* A line is not longer than that by more than an address, so that editors and scripts can take it. */
enum { LINE_MAX_BYTES = 4000 };

struct writer {
	FILE *out;
	bool is_packed;
	size_t length; /* of the line that is being written; 0: there is none */
};

static void end_line(struct writer *writer)
{
	if (!writer->length)
		return;
	for (; writer->is_packed && (writer->length + 1) % LM_PACKED_WORD; writer->length++)
		fputc(' ', writer->out);
	fputc('\n', writer->out);
	writer->length = 0;
}

static void add(struct writer *writer, int length)
{
	writer->length += length > 0 ? (size_t)length : 0;
}

static size_t count_listed(const struct unreached *unreached)
{
	size_t count = 0;

	for (size_t i = 0; i < unreached->count; i++)
		count += unreached->blocks[i].reach < REACH_REACHABLE;
	return count;
}

/* The number of blocks tells a reader whether it has all lines. */
static void write_head(struct writer *writer, const struct unreached *unreached)
{
	add(writer, fprintf(writer->out, "# " LM_TRACE_REACHED_AT " %" PRIu64 "%s " LM_TRACE_BLOCKS "=%zu",
	                    unreached->at, unreached->is_partial ? " " LM_TRACE_PARTIAL : "", count_listed(unreached)));
	end_line(writer);
}

/* Writes the blocks of one kind. WORD stands in front of them in each line. */
static void write_kind(struct writer *writer, const struct unreached *unreached, enum reach reach, const char *word)
{
	for (size_t i = 0; i < unreached->count; i++) {
		const struct unreached_block *block = &unreached->blocks[i];

		if (block->reach != reach)
			continue;
		if (!writer->length)
			add(writer, fprintf(writer->out, "# " LM_TRACE_UNREACHABLE "%s", word));
		add(writer, fprintf(writer->out, " 0x%" PRIx64, block->address));
		if (writer->length >= LINE_MAX_BYTES)
			end_line(writer);
	}
	end_line(writer);
}

int unreached_write(FILE *out, const struct unreached *unreached, bool is_packed)
{
	struct writer writer = {.out = out, .is_packed = is_packed};

	write_head(&writer, unreached);
	write_kind(&writer, unreached, REACH_LOST, "");
	write_kind(&writer, unreached, REACH_INDIRECT, " " LM_TRACE_INDIRECT);
	write_kind(&writer, unreached, REACH_POSSIBLE, " " LM_TRACE_POSSIBLE);
	return ferror(out) ? -EIO : 0;
}
