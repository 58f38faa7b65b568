/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks a trace of any program: every line can be read, no live address is
 * allocated again, no address is released twice, nothing is lost, and the
 * lines add up to what FINI says. "make smoke" and "make soak" run it.
 *
 *     judge [-ekt] TRACE...
 *
 * Prints a line for each trace, and each fault on standard error. Exit status:
 * 0 no fault, 1 faults, 2 wrong usage.
 *
 * -e  threads were at work at the end: FINI may or may not count the calls
 *     that they were in the middle of
 * -k  processes may have been killed: a trace needs no FINI
 * -t  tracing was off for some time: events are missing
 *
 * Blocks that are older than the trace, such as those of a fork's parent, are
 * not in it. INIT has the sum of their sizes. Each may be released once, and
 * together no more bytes than that sum.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "totals.h"
#include "trace.h"

/* The most calls of one function that the threads of a program here can be in the middle of at its end. */
#define CALLS_IN_FLIGHT 8

/* What is known of one trace. What is known of an image is cleared at the image's end. */
struct judgement {
	const char *path;
	bool ends_busy, killed, toggled;
	struct event init; /* what was there before the trace began */
	struct heap heap;
	struct heap gone; /* released blocks older than the trace, while nothing new is at their address */
	uint64_t gone_bytes;
	int64_t used;
	uint64_t calls[LM_CALL_COUNT];
	uint64_t images, finis, events, unseen;
	unsigned complaints;
};

static void complain(void *context, const char *file, uint64_t line, const char *message)
{
	struct judgement *j = context;

	j->complaints++;
	fprintf(stderr, "judge: %s:%" PRIu64 ": %s\n", file, line, message);
}

static void wrong(struct judgement *j, const char *what, const char *which, uint64_t found, uint64_t expected)
{
	if (found == expected)
		return;
	j->complaints++;
	fprintf(stderr, "judge: %s: image %" PRIu64 ": %s%s: %" PRIu64 " instead of %" PRIu64 "\n", j->path,
	        j->images + 1, what, which, found, expected);
}

static void judge_calls(struct judgement *j, const struct event *fini)
{
	for (int call = 0; call < LM_CALL_COUNT; call++) {
		uint64_t found = fini->counts[call], expected = j->init.counts[call] + j->calls[call];
		uint64_t off = found > expected ? found - expected : expected - found;

		if (!j->ends_busy || off > CALLS_IN_FLIGHT)
			wrong(j, "calls of ", parse_call_name((enum lm_call)call), found, expected);
	}
}

static void judge_end(struct judgement *j, const struct event *fini)
{
	j->finis++;
	if (j->toggled)
		return;
	if (!j->ends_busy) {
		wrong(j, "bytes in use at FINI", "", (uint64_t)fini->used, (uint64_t)j->used);
		wrong(j, "bytes of live blocks at FINI", "", j->heap.bytes + (uint64_t)j->init.used - j->gone_bytes,
		      (uint64_t)fini->used);
	}
	if (fini->usable < fini->used)
		wrong(j, "usable bytes at FINI", "", (uint64_t)fini->usable, (uint64_t)fini->used);
	judge_calls(j, fini);
}

static void judge_image(struct judgement *j, const struct trace_image *image)
{
	if (!j->toggled)
		wrong(j, "blocks at the address of a live one", "", j->heap.counts.replaced, 0);
	if (!j->toggled && j->gone_bytes > (uint64_t)j->init.used)
		wrong(j, "released bytes of blocks from before INIT", "", j->gone_bytes, (uint64_t)j->init.used);
	wrong(j, "events lost", "", image->lost, 0);
	heap_free(&j->heap);
	heap_free(&j->gone);
	memset(j->calls, 0, sizeof j->calls);
	j->init = (struct event){0};
	j->gone_bytes = 0;
	j->images++;
}

/* EVENT released a block that the trace has not shown: one that is older than the trace, or a second release. */
static void judge_release(struct judgement *j, const struct event *event, uint64_t line)
{
	uint64_t address = parse_is_free(event->call) ? event->pointer : event->old;
	struct event as_block = {.call = LM_CALL_MALLOC, .pointer = address};

	if (j->toggled)
		return;
	if (j->init.used == 0 || heap_find(&j->gone, address))
		complain(j, j->path, line, "release of what was not live");
	else if (heap_apply(&j->gone, &as_block, STACK_NONE, line) != 0)
		complain(j, j->path, line, "no memory for the heap");
	/* A free tells its size as the change; a realloc has the old size among its arguments. */
	j->gone_bytes += parse_is_free(event->call) ? (uint64_t)-event->change : event->args[0];
}

static void judge_call(struct judgement *j, const struct trace_item *item)
{
	uint64_t unknown = j->heap.counts.unknown;

	j->events++;
	/* A foreign block's size is told, but it was never in the total. */
	if (!(item->event.foreign && parse_is_free(item->event.call)))
		j->used += item->event.change;
	if (item->event.unkept)
		wrong(j, "sizes not kept", "", 1, 0);
	if (item->event.unseen)
		j->unseen++;
	else
		j->calls[item->event.call]++;
	if (heap_apply(&j->heap, &item->event, item->stack, item->line) != 0)
		complain(j, j->path, item->line, "no memory for the heap");
	if (j->heap.counts.unknown != unknown)
		judge_release(j, &item->event, item->line);
	if (!item->event.failed && !parse_is_free(item->event.call) && heap_find(&j->gone, item->event.pointer))
		heap_apply(&j->gone, &(struct event){.call = LM_CALL_FREE, .pointer = item->event.pointer}, STACK_NONE,
		           item->line);
}

static void judge_item(struct judgement *j, const struct trace *trace, const struct trace_item *item)
{
	switch (item->kind) {
	case TRACE_CALL:
		judge_call(j, item);
		break;
	case TRACE_INIT:
		j->init = item->event;
		j->used = item->event.used;
		break;
	case TRACE_FINI:
		judge_end(j, &item->event);
		break;
	case TRACE_END:
		judge_image(j, &trace->image);
		break;
	default:
		break;
	}
}

static void judge_trace(struct judgement *j)
{
	const struct diag diag = {.report = complain, .context = j};
	static struct trace trace;
	struct totals totals = {.used = 0};
	struct trace_item item;
	int got = trace_open(&trace, j->path, &diag);

	if (got == 0) {
		while ((got = trace_next(&trace, &item)) > 0 && (got = totals_apply(&totals, &item)) == 0)
			judge_item(j, &trace, &item);
		wrong(j, "malformed lines", "", trace.malformed, 0);
		wrong(j, "cut ends", "", trace.ends_early, 0);
		if (!j->killed || j->finis)
			wrong(j, "ends", "", j->finis, 1);
		trace_close(&trace);
	}
	if (got < 0)
		complain(j, j->path, 0, strerror(-got));
}

int main(int argc, char **argv)
{
	struct judgement how = {0};
	unsigned complaints = 0;
	int option;

	while ((option = getopt(argc, argv, "ekt")) != -1) {
		if (option == '?')
			return 2;
		*(option == 'e' ? &how.ends_busy : option == 'k' ? &how.killed : &how.toggled) = true;
	}
	if (optind == argc)
		return 2;
	for (int i = optind; i < argc; i++) {
		struct judgement j = how;

		j.path = argv[i];
		judge_trace(&j);
		printf("%" PRIu64 " events, %" PRIu64 " images, %" PRIu64 " unseen releases\n", j.events, j.images,
		       j.unseen);
		complaints += j.complaints;
	}
	return complaints != 0;
}
