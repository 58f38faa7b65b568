/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole trace, written again in the full and in the compact format, as log-malloc-cat
 * does it. What was written can be read without a fault, and tells the same.
 */
#include "export_trace.h"
#include "fuzz.h"
#include "totals.h"

#include <string.h>

struct told {
	uint64_t events, images, lost, gaps;
	bool noisy;    /* damage is guessed, so less of it can be read the second time */
	uint64_t said; /* a hash of all events and their frames' text */
};

static void add_event(struct told *told, const struct trace *trace, const struct trace_item *item)
{
	const struct event *event = &item->event;
	const uint64_t numbers[] = {
		item->kind,    event->call,   (uint64_t)event->change, event->pointer,
		event->old,    event->size,   (uint64_t)event->used,   (uint64_t)event->usable,
		event->error,  event->failed, event->foreign,          event->busy,
		event->unseen, event->unkept, event->has_statm,        trace->image.has_time ? trace->image.time : 0};
	struct stack stack = stacks_get(&trace->image.stacks, item->stack);

	told->events++;
	told->said = hash_mix(told->said ^ hash_bytes(numbers, sizeof numbers));
	/* INIT and FINI have no frames. What stands below them is damage. */
	for (size_t i = 0; (item->kind == TRACE_CALL || item->kind == TRACE_CALLING) && i < stack.depth; i++) {
		struct stacks_frame frame = stacks_frame_at(&trace->image.stacks, stack.frames[i]);

		told->said = hash_mix(told->said ^ hash_bytes(frame.text, frame.len));
	}
}

/* Reads the trace at PATH, and writes it to the descriptor TO in FORMAT; or only reads it if TO is -1. */
static struct told copy(const char *path, int to, enum lm_format format, bool *faulty)
{
	static struct trace trace;
	struct told told = {0};
	struct text_out out = {0};
	struct export_trace export = {.out = &out, .format = format};
	struct totals totals = {0};
	struct trace_item item;
	int got;

	fuzz_assert(trace_open(&trace, path, NULL) == 0 && text_out_open(&out, to) == 0);
	trace.with_lines = true;
	while ((got = trace_next(&trace, &item)) > 0) {
		fuzz_assert(totals_apply(&totals, &item) == 0);
		if (item.kind == TRACE_END) {
			told.images++;
			told.lost += trace.image.lost;
			told.gaps += trace.image.gaps;
		} else if (item.kind <= TRACE_CALLING) {
			add_event(&told, &trace, &item);
		}
		if (to >= 0)
			fuzz_assert(export_trace(&export, &trace, &item) == 0);
	}
	fuzz_assert(got == 0);
	text_out_flush(&out);
	fuzz_assert(out.error == 0);
	text_out_close(&out);
	*faulty = trace.malformed || trace.ends_early;
	told.noisy = trace.noisy;
	trace_close(&trace);
	return told;
}

static void same(const struct told *a, const struct told *b)
{
	fuzz_assert(a->events == b->events && a->images == b->images && a->lost == b->lost && a->gaps == b->gaps);
	fuzz_assert(a->said == b->said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char path[FUZZ_PATH_MAX], copied[FUZZ_PATH_MAX];
	int fd = fuzz_file(data, len, path);

	for (enum lm_format format = LM_FORMAT_FULL; format <= LM_FORMAT_COMPACT; format++) {
		int written = fuzz_file(NULL, 0, copied);
		bool faulty;
		struct told before = copy(path, written, format, &faulty);
		struct told after = copy(copied, -1, format, &faulty);

		if (before.noisy) {
			fuzz_assert(after.events <= before.events);
		} else {
			fuzz_assert(!faulty);
			same(&before, &after);
		}
		close(written);
	}
	close(fd);
	return 0;
}
