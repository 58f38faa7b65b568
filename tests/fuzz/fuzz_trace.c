/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole trace, of lines or packed, plain or compressed, and the heap that follows
 * from it: as a file and as a pipe, with events applied at once and later, with
 * the short cuts and line by line. All have to come to the same. So has what
 * totals_apply() makes of it, which has a heap of its own.
 */
#include "consumers.h"
#include "fuzz.h"
#include "replay.h"
#include "totals.h"
#include "trace.h"
#include "unreached.h"

#include <string.h>

struct outcome {
	uint64_t events, records, malformed, lines, images;
	bool ends_early;
	uint64_t blocks, bytes, stacks;
	uint64_t said; /* a hash of all events and their frames' text */
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

/* What backtraces and threads did is what all did together. */
static void check_sums(const struct consumers *consumers, enum metric metric)
{
	struct amount all = consumers_amount(consumers, metric);
	struct amount by_backtrace = {0}, by_thread = {0};

	for (size_t i = 0; i < consumers->count; i++) {
		struct amount amount = consumer_amount(consumers, &consumers->list[i], metric);

		amount_add(&by_backtrace, &amount);
	}
	for (size_t i = 0; i < consumers->threads.count; i++) {
		struct amount amount = thread_use_amount(consumers, &consumers->threads.list[i], metric);

		amount_add(&by_thread, &amount);
	}
	fuzz_assert(by_backtrace.bytes == all.bytes && by_thread.bytes == all.bytes);
	fuzz_assert(by_backtrace.samples == all.samples && by_thread.samples == all.samples);
}

static void end_consumers(struct consumers *consumers, struct outcome *outcome)
{
	for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
		check_sums(consumers, metric);
		outcome->said = hash_mix(outcome->said ^ consumers_amount(consumers, metric).bytes);
	}
	consumers_free(consumers);
}

static void add_event(struct outcome *outcome, const struct trace *trace, const struct trace_item *item)
{
	const struct event *event = &item->event;
	const uint64_t numbers[] = {item->line,
	                            (uint64_t)event->change,
	                            event->pointer,
	                            event->old,
	                            event->size,
	                            event->call,
	                            (uint64_t)event->used,
	                            event->failed,
	                            event->by,
	                            event->slack,
	                            (uint64_t)event->usable,
	                            event->args[0]};
	const struct threads *threads = &trace->image.threads;
	struct stack stack = stacks_get(&trace->image.stacks, item->stack);

	outcome->events++;
	fuzz_assert(stack.depth <= TRACE_DEPTH_MAX);
	fuzz_assert(event->by == THREADS_OTHER || event->by < threads->count);
	fuzz_assert(event->by == THREADS_OTHER || threads_get(threads, event->by)->number == event->thread);
	outcome->said ^= hash_bytes(threads_get(threads, event->by)->name, THREADS_NAME);
	outcome->said = hash_mix(outcome->said ^ hash_bytes(numbers, sizeof numbers) ^ stack.depth);
	for (size_t i = 0; i < stack.depth; i++) {
		struct stacks_frame frame = stacks_frame_at(&trace->image.stacks, stack.frames[i]);

		outcome->said = hash_mix(outcome->said ^ hash_bytes(frame.text, frame.len));
	}
}

/* The states that a line tells, and when. Of what stands behind it, nothing is known. */
static void add_look(struct outcome *outcome, struct unreached *unreached, const struct trace *trace,
                     const struct trace_item *item)
{
	fuzz_assert(unreached_take(unreached, trace, item) == 0);
	fuzz_assert(!unreached->known || unreached->count <= unreached->listed);
	outcome->said = hash_mix(outcome->said ^ unreached->at ^ unreached->listed << 32);
	for (size_t i = 0; i < unreached->count; i++) {
		const struct unreached_block *block = &unreached->blocks[i];

		fuzz_assert(unreached_judge(unreached, block->address, 1) == block->reach);
		outcome->said = hash_mix(outcome->said ^ block->address ^ block->reach);
	}
	fuzz_assert(unreached_judge(unreached, 1, item->line + 1) == REACH_UNKNOWN);
}

static struct outcome read_trace(const char *path, bool later, bool line_by_line)
{
	static struct trace trace;
	struct outcome outcome = {0};
	struct trace_item item;
	struct heap heap = {0};
	struct totals totals = {.used = 0};
	/* The same comes out whether backtraces of different threads are told apart or not. */
	struct consumers consumers = {.by_thread = line_by_line};
	struct unreached unreached = {.known = false};
	int got;

	if (trace_open(&trace, path, NULL) != 0)
		return outcome;
	trace.without_short_cuts = line_by_line;
	while ((got = trace_next(&trace, &item)) > 0) {
		fuzz_assert(totals_apply(&totals, &item) == 0);
		if (item.kind == TRACE_END) {
			fuzz_assert(heap_settle(&heap) == 0);
			add_up(&outcome, &heap);
			heap_free(&heap);
			/* The sums stay right when blocks go that are not lost. */
			fuzz_assert(consumers_keep_lost(&consumers, &unreached) == 0);
			end_consumers(&consumers, &outcome);
			unreached_free(&unreached);
			continue;
		}
		if (item.kind == TRACE_REACHED) {
			add_look(&outcome, &unreached, &trace, &item);
			continue;
		}
		add_event(&outcome, &trace, &item);
		if (item.kind == TRACE_CALL)
			fuzz_assert(consumers_apply(&consumers, &trace.image, &item) == 0);
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
	totals_free(&totals);
	consumers_free(&consumers);
	unreached_free(&unreached);
	trace_close(&trace);
	return outcome;
}

/* The heaps alone, by the short way that there is for packed records. */
static void replay_trace(const char *path, const struct outcome *expected)
{
	static struct trace trace;
	struct outcome outcome = {0};
	struct trace_item item;
	struct heap heap = {0};

	if (trace_open(&trace, path, NULL) != 0)
		return;
	while (fuzz_assert(replay_packed(&heap, &trace) == 0), trace_next(&trace, &item) > 0) {
		if (item.kind == TRACE_CALL)
			fuzz_assert(heap_apply_later(&heap, &item.event, item.stack, item.line) == 0);
		if (item.kind != TRACE_END)
			continue;
		fuzz_assert(heap_settle(&heap) == 0);
		add_up(&outcome, &heap);
		heap_free(&heap);
	}
	fuzz_assert(outcome.blocks == expected->blocks && outcome.bytes == expected->bytes &&
	            outcome.stacks == expected->stacks && outcome.images == expected->images);
	fuzz_assert(memcmp(&outcome.counts, &expected->counts, sizeof outcome.counts) == 0);
	fuzz_assert(trace.records == expected->records && trace.malformed == expected->malformed);
	heap_free(&heap);
	trace_close(&trace);
}

static void same(const struct outcome *a, const struct outcome *b)
{
	fuzz_assert(a->events == b->events && a->records == b->records && a->malformed == b->malformed &&
	            a->lines == b->lines && a->images == b->images);
	fuzz_assert(a->ends_early == b->ends_early && a->blocks == b->blocks && a->bytes == b->bytes &&
	            a->stacks == b->stacks && a->said == b->said);
	fuzz_assert(memcmp(&a->counts, &b->counts, sizeof a->counts) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome file, stream, lines;
	char path[FUZZ_PATH_MAX];
	int fd = fuzz_file(data, len, path);

	file = read_trace(path, false, false);
	lines = read_trace(path, false, true);
	replay_trace(path, &file);
	close(fd);
	fuzz_stream(data, len);
	stream = read_trace("-", true, false);
	same(&file, &stream);
	same(&file, &lines);
	return 0;
}
