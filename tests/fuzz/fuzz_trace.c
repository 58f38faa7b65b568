/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole trace, plain or compressed, and the heap that follows from it: as a
 * mapped file and as a stream, with events applied at once and later. All have
 * to come to the same.
 */
#include "fuzz.h"
#include "heap.h"
#include "trace.h"

#include <string.h>

struct outcome {
	uint64_t events, records, malformed, lines, images;
	bool ends_early;
	uint64_t blocks, bytes, stacks;
	struct heap_counts counts;
};

static void add_up(struct outcome *outcome, const struct heap *heap)
{
	const struct heap_block *block;
	uint64_t blocks = 0, bytes = 0;

	for (size_t position = 0; (block = heap_next(heap, &position)); blocks++) {
		bytes += block->size;
		outcome->stacks += (block->line ^ block->address) * (block->stack + 1);
		fuzz_assert(heap_find(heap, block->address) == block);
	}
	fuzz_assert(blocks == heap->blocks && bytes == heap->bytes);
	outcome->blocks += blocks;
	outcome->bytes += bytes;
	outcome->counts = heap->counts;
	outcome->images++;
}

static struct outcome read_trace(const char *path, bool later)
{
	static struct trace trace;
	struct outcome outcome = {0};
	struct trace_item item;
	struct heap heap = {0};
	int got;

	if (trace_open(&trace, path, NULL) != 0)
		return outcome;
	while ((got = trace_next(&trace, &item)) > 0) {
		if (item.kind == TRACE_END) {
			fuzz_assert(heap_settle(&heap) == 0);
			add_up(&outcome, &heap);
			heap_free(&heap);
			continue;
		}
		outcome.events++;
		fuzz_assert(stacks_get(&trace.image.stacks, item.stack).depth <= TRACE_DEPTH_MAX);
		if (item.kind == TRACE_CALL)
			fuzz_assert((later ? heap_apply_later : heap_apply)(&heap, &item.event, item.stack,
			                                                    item.line) == 0);
	}
	fuzz_assert(got == 0);
	outcome.records = trace.records;
	outcome.malformed = trace.malformed;
	outcome.lines = trace.input.lines;
	outcome.ends_early = trace.ends_early;
	heap_free(&heap);
	trace_close(&trace);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome file, stream;
	char path[FUZZ_PATH_MAX];
	int fd = fuzz_file(data, len, path);

	file = read_trace(path, false);
	close(fd);
	fuzz_stream(data, len);
	stream = read_trace("-", true);
	fuzz_assert(file.events == stream.events && file.records == stream.records &&
	            file.malformed == stream.malformed && file.lines == stream.lines && file.images == stream.images);
	fuzz_assert(file.ends_early == stream.ends_early && file.blocks == stream.blocks &&
	            file.bytes == stream.bytes && file.stacks == stream.stacks);
	fuzz_assert(memcmp(&file.counts, &stream.counts, sizeof file.counts) == 0);
	return 0;
}
