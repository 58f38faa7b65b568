/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether a trace keeps its promises, for runs of programs that nobody here
 * wrote: every line can be read, no address is allocated twice or released
 * twice, nothing is lost, and what FINI says is what the lines add up to.
 *
 *     judge [-t] TRACE...
 *
 * Prints a line for each trace, and on standard error what is wrong; exits
 * with 1 then. With -t, tracing was off for some time: events are missing.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heap.h"
#include "trace.h"

/* What is known of one trace; that of one image is begun anew at its INIT. */
struct judgement {
	const char *path;
	bool toggled;
	struct event init; /* what was there before the trace began */
	struct heap heap;
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

static void judge_end(struct judgement *j, const struct event *fini)
{
	j->finis++;
	if (j->toggled)
		return;
	wrong(j, "bytes in use at FINI", "", (uint64_t)fini->used, (uint64_t)j->used);
	if (j->init.used == 0)
		wrong(j, "bytes of live blocks at FINI", "", j->heap.bytes, (uint64_t)fini->used);
	if (fini->usable < fini->used)
		wrong(j, "usable bytes at FINI", "", (uint64_t)fini->usable, (uint64_t)fini->used);
	for (int call = 0; call < LM_CALL_COUNT; call++)
		wrong(j, "calls of ", record_call_name((enum lm_call)call), fini->counts[call],
		      j->init.counts[call] + j->calls[call]);
}

static void judge_image(struct judgement *j, const struct trace_image *image)
{
	if (!j->toggled)
		wrong(j, "blocks at the address of a live one", "", j->heap.counts.replaced, 0);
	if (!j->toggled && j->init.used == 0)
		wrong(j, "releases of what was not live", "", j->heap.counts.unknown, 0);
	wrong(j, "events lost", "", image->lost, 0);
	heap_free(&j->heap);
	memset(&j->heap, 0, sizeof j->heap);
	memset(j->calls, 0, sizeof j->calls);
	j->images++;
}

static void judge_call(struct judgement *j, const struct trace_item *item)
{
	j->events++;
	/* A foreign block's size is told, but it was never in the total. */
	if (!(item->event.foreign && record_is_free(item->event.call)))
		j->used += item->event.change;
	if (item->event.unseen)
		j->unseen++;
	else
		j->calls[item->event.call]++;
	if (heap_apply(&j->heap, &item->event, item->stack, item->line) != 0)
		complain(j, j->path, item->line, "no memory for the heap");
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
	}
}

static void judge_trace(struct judgement *j)
{
	const struct diag diag = {.report = complain, .context = j};
	static struct trace trace;
	struct trace_item item;
	int got = trace_open(&trace, j->path, &diag);

	if (got == 0) {
		while ((got = trace_next(&trace, &item)) > 0)
			judge_item(j, &trace, &item);
		wrong(j, "malformed lines", "", trace.malformed, 0);
		wrong(j, "cut ends", "", trace.ends_early, 0);
		wrong(j, "ends", "", j->finis, 1);
		trace_close(&trace);
	}
	if (got < 0)
		complain(j, j->path, 0, strerror(-got));
}

int main(int argc, char **argv)
{
	bool toggled = false;
	unsigned complaints = 0;
	int option;

	while ((option = getopt(argc, argv, "t")) == 't')
		toggled = true;
	if (option != -1 || optind == argc)
		return 2;
	for (int i = optind; i < argc; i++) {
		struct judgement j = {.path = argv[i], .toggled = toggled};

		judge_trace(&j);
		printf("%" PRIu64 " events, %" PRIu64 " images, %" PRIu64 " unseen releases\n", j.events, j.images,
		       j.unseen);
		complaints += j.complaints;
	}
	return complaints != 0;
}
