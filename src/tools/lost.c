/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See lost.h. */
#include "lost.h"
#include "process.h"
#include "refused.h"
#include "replay.h"
#include "trace_format.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	/* While the process runs, the trace's end is read at most so many times; */
	ROUNDS = 4,
	/* but not again if it has fewer bytes than these. */
	FEW = 4 << 20,
};

static uint64_t now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The first trouble is the one that is told. Returns ERROR. */
static int trouble(struct lost *lost, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static int trouble(struct lost *lost, int error, const char *fmt, ...)
{
	va_list args;

	if (*lost->figures.trouble)
		return lost->error;
	va_start(args, fmt);
	vsnprintf(lost->figures.trouble, sizeof lost->figures.trouble, fmt, args);
	va_end(args);
	lost->error = error;
	return error;
}

/* ---- the process ---------------------------------------------------------------- */

#define ADVICE "run the program with log-malloc --lost, which looks at its end"

static int has_ended(struct lost *lost)
{
	return trouble(lost, -ESRCH, "%s: its process, %llu, has ended: " ADVICE, lost->trace->input.name,
	               (unsigned long long)lost->trace->image.pid);
}

static bool runs(const struct lost *lost)
{
	const struct trace_image *image = &lost->trace->image;

	return process_is((uint64_t)lost->figures.pid, image->pid, image->process);
}

/* Is there a process PID that we may not look at? Then it can't be told from others. */
static bool is_hidden(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
	return stat(path, &st) != 0 && (errno == EACCES || errno == EPERM);
}

static int refuse(struct lost *lost, pid_t pid, int error)
{
	char reason[400];

	return trouble(lost, error, "%s", refused_text(reason, sizeof reason, pid, -error));
}

/* Finds the process of the image that is being read. 0 or -errno. */
static int find_process(struct lost *lost)
{
	const struct trace_image *image = &lost->trace->image;
	const char *name = lost->trace->input.name;

	if (!image->has_pid || !*image->process)
		return trouble(lost, -EINVAL,
		               "%s does not say which process it is of, so nobody can look into that: " ADVICE, name);
	lost->figures.pid = lost->pid;
	if (!lost->pid)
		lost->figures.pid = (pid_t)process_find(image->pid, image->process);
	if (lost->figures.pid && runs(lost))
		return 0;
	if (is_hidden(lost->pid ? lost->pid : (pid_t)image->pid))
		return refuse(lost, lost->pid ? lost->pid : (pid_t)image->pid, -EPERM);
	/* It may end behind the moment at which it was found. */
	if (!lost->pid)
		return has_ended(lost);
	return trouble(lost, -ESRCH,
	               "process %d is not the one that wrote %s: leave out --pid, and it is found if it runs",
	               (int)lost->figures.pid, name);
}

static int stop_process(struct lost *lost)
{
	int error = find_process(lost);

	if (error)
		return error;
	error = reach_prepare(&lost->copy, lost->figures.pid);
	if (error == -ENOMEM)
		return trouble(lost, error, "%s", strerror(ENOMEM));
	lost->began = now_us(CLOCK_MONOTONIC);
	error = stop_attach(&lost->stop, lost->figures.pid);
	if (!error || error == -ESRCH)
		return error ? has_ended(lost) : 0;
	return refuse(lost, lost->figures.pid, error);
}

void lost_stop_now(struct lost *lost)
{
	const struct source *source = &lost->trace->input.source;
	struct stat st;

	if (lost->rounds++ < ROUNDS && fstat(source->fd, &st) == 0 && (uint64_t)st.st_size > source->position + FEW) {
		lost->limit = (uint64_t)st.st_size;
		return;
	}
	lost->is_done = true;
	stop_process(lost);
}

/* A source's wait(): all was read. What the trace gets until the process stands is read after that. */
static bool stop_at_end(void *context)
{
	struct lost *lost = context;

	if (!lost->is_done) {
		lost->is_done = true;
		stop_process(lost);
	}
	return false;
}

int lost_begin(struct lost *lost, struct trace *trace)
{
	struct source *source = &trace->input.source;
	const struct source_follow how = {.wait = stop_at_end, .context = lost};
	int error;

	lost->trace = trace;
	lost->began = now_us(CLOCK_MONOTONIC);
	lost->limit = source->size;
	lost->is_done = lost->stopped != NULL;
	if (lost->stopped) {
		lost->figures.pid = lost->stopped->pid;
		return 0;
	}
	error = source_follow(source, &how);
	if (!error && !source->follow.wait)
		return trouble(lost, -EINVAL,
		               "%s is compressed, or no file: its end can't be read while its process runs: " ADVICE,
		               source->name);
	return error ? trouble(lost, error, "%s: %s", source->name, strerror(-error)) : 0;
}

/* ---- the blocks ----------------------------------------------------------------- */

/*
 * Was a block from STACK allocated by an operator of C++, as its innermost frames say? That of new[] may be there as
 * the one of new, to which it jumps.
 */
static bool is_of_operator(const struct stack *stack, const struct stacks *stacks)
{
	enum { INNERMOST = 3 };
	static const char operators[] = "_Zn";

	for (size_t i = 0; i < stack->depth && i < INNERMOST; i++) {
		const struct stacks_frame frame = stacks_frame_at(stacks, stack->frames[i]);

		if (memmem(frame.text, frame.len, operators, sizeof operators - 1))
			return true;
	}
	return false;
}

/*
 * Can a block from the backtrace with that number be an array of C++? In a process with the C++ runtime, any can: the
 * operators may have been left out of backtraces. One more place is for STACK_NONE. To be freed; NULL without memory.
 */
static bool *find_arrays(const struct stacks *stacks, bool is_cxx)
{
	bool *arrays = calloc(stacks->stack_count + 1, sizeof *arrays);

	for (size_t i = 0; arrays && i < stacks->stack_count; i++) {
		const struct stack stack = stacks_get(stacks, (uint32_t)i);

		arrays[i] = is_cxx || is_of_operator(&stack, stacks);
	}
	if (arrays)
		arrays[stacks->stack_count] = is_cxx;
	return arrays;
}

/* Does the process have a C++ runtime of its own file? A program that is linked with all of it tells by its frames. */
static bool has_cxx(const struct regions *regions)
{
	for (size_t i = 0; i < regions->count; i++) {
		if (strstr(regions->items[i].name, "libstdc++") || strstr(regions->items[i].name, "libc++"))
			return true;
	}
	return false;
}

/* The live blocks, to be freed; NULL without memory. */
static struct reach_block *copy_blocks(const struct lost *lost, const struct heap *heap)
{
	const struct stacks *stacks = &lost->trace->image.stacks;
	struct reach_block *blocks = calloc(heap->blocks + 1, sizeof *blocks);
	bool *arrays = find_arrays(stacks, has_cxx(&lost->copy.memory.regions));
	const struct heap_block *block;
	size_t position = 0, count = 0;

	while (blocks && arrays && (block = heap_next(heap, &position))) {
		size_t stack = block->stack < stacks->stack_count ? block->stack : stacks->stack_count;

		blocks[count++] = (struct reach_block){
			.address = block->address, .size = block->size, .may_be_array = arrays[stack]};
	}
	if (!arrays) {
		free(blocks);
		blocks = NULL;
	}
	free(arrays);
	return blocks;
}

/* Are there blocks that the trace does not have? */
static bool is_partial(const struct trace *trace)
{
	const struct trace_image *image = &trace->image;

	if (image->parent || trace_is_missing_some(image) || image->is_partial || !image->begun || trace->malformed ||
	    image->sample)
		return true;
	return image->flavour && (strcmp(image->flavour, "attached") == 0 || strcmp(image->flavour, "dlopen") == 0);
}

static int fill(struct unreached *unreached, const struct reach_block *blocks, size_t count)
{
	int error = 0;

	unreached->known = true;
	for (size_t i = 0; !error && i < count; i++) {
		if (blocks[i].reach != REACH_REACHABLE)
			error = unreached_add(unreached, blocks[i].address, blocks[i].reach);
	}
	return error;
}

/* Milliseconds since the image's INIT. */
static uint64_t moment(const struct trace_image *image)
{
	uint64_t now = now_us(CLOCK_REALTIME) / 1000;

	if (image->has_clock && now >= image->clock + image->time)
		return now - image->clock;
	return image->time;
}

/* ---- the moment ----------------------------------------------------------------- */

static void let_go(struct lost *lost)
{
	if (lost->stop.count)
		stop_release(&lost->stop);
	lost->figures.still_us = now_us(CLOCK_MONOTONIC) - lost->began;
}

/* Copies what the process has, and lets it go on. 0 or -errno. */
static int copy_process(struct lost *lost)
{
	const struct stop *stop = lost->stopped ? lost->stopped : &lost->stop;
	int error;

	lost->figures.threads = stop->count;
	error = reach_copy(&lost->copy, stop, NULL, 0);
	let_go(lost);
	lost->figures.copied = lost->copy.memory.bytes;
	if (error == -ESRCH)
		return has_ended(lost);
	if (error)
		return trouble(lost, error, "process %d: %s", (int)lost->figures.pid, strerror(-error));
	if (!lost->copy.memory.has_tracker && !runs(lost))
		return has_ended(lost);
	if (!lost->copy.memory.has_tracker)
		return trouble(lost, -ESRCH, "process %d runs another program by now, which is not traced",
		               (int)lost->figures.pid);
	return 0;
}

static void add_up(struct lost_figures *figures, const struct reach_block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		figures->blocks[blocks[i].reach]++;
		figures->bytes[blocks[i].reach] += blocks[i].size;
	}
}

int lost_finish(struct lost *lost, const struct heap *heap, struct unreached *unreached)
{
	struct reach_block *blocks;
	int error;

	/* A process that has no trace of its own may have its parent's journal mapped. */
	if (lost->stopped &&
	    !process_is((uint64_t)lost->stopped->pid, lost->trace->image.pid, lost->trace->image.process))
		return trouble(lost, -ENODATA, "%s is not the trace of process %d", lost->trace->input.name,
		               (int)lost->stopped->pid);
	if (!lost->error && !lost->stopped && !lost->stop.count)
		return trouble(lost, -EINTR, "reading %s ended before the process was stopped",
		               lost->trace->input.name);
	if (lost->error)
		return lost->error;
	unreached->at = moment(&lost->trace->image);
	lost->figures.sample = lost->trace->image.sample;
	error = copy_process(lost);
	if (error)
		return error;
	lost->copy.is_partial = unreached->is_partial = is_partial(lost->trace);
	blocks = copy_blocks(lost, heap);
	error = blocks ? reach_mark(&lost->copy, blocks, heap->blocks) : -ENOMEM;
	if (!error)
		error = fill(unreached, blocks, heap->blocks);
	if (!error)
		add_up(&lost->figures, blocks, heap->blocks);
	free(blocks);
	return error ? trouble(lost, error, "%s", strerror(-error)) : 0;
}

void lost_end(struct lost *lost)
{
	if (lost->stop.count)
		let_go(lost);
	reach_free(&lost->copy);
}

/* ---- all of it ------------------------------------------------------------------ */

/* What is live is live in the last image. */
static int take_item(struct heap *heap, const struct trace *trace, const struct trace_item *item)
{
	if (item->kind == TRACE_CALL)
		return heap_apply_later(heap, &item->event, item->stack, item->line);
	if (item->kind != TRACE_END)
		return 0;
	if (trace->image.followed)
		heap_free(heap);
	return heap_settle(heap);
}

static int read_blocks(struct lost *lost, struct heap *heap, struct unreached *unreached)
{
	struct trace *trace = lost->trace;
	struct trace_item item;
	int error = 0, got = 1;

	while (!error && got > 0) {
		error = replay_packed(heap, trace);
		lost_keep_up(lost);
		if (error || (got = trace_next(trace, &item)) <= 0)
			continue;
		error = take_item(heap, trace, &item);
		if (!error && item.kind == TRACE_END && !trace->image.followed)
			return lost_finish(lost, heap, unreached);
	}
	if (!error)
		error = got < 0 ? got : -ENODATA;
	return trouble(lost, error, "%s: %s", trace->input.name, strerror(-error));
}

int lost_look(const char *trace, pid_t pid, const struct stop *stopped, struct unreached *unreached,
              struct lost_figures *figures)
{
	struct lost lost = {.pid = pid, .stopped = stopped};
	struct trace *opened = malloc(sizeof *opened);
	struct heap heap = {.slots = NULL};
	int error = opened ? trace_open(opened, trace, NULL) : -ENOMEM;

	*unreached = (struct unreached){.known = false};
	if (error) {
		trouble(&lost, error, "%s: %s", trace, strerror(-error));
	} else {
		error = lost_begin(&lost, opened);
		if (!error)
			error = read_blocks(&lost, &heap, unreached);
		trace_close(opened);
	}
	if (error)
		unreached_free(unreached);
	lost_end(&lost);
	heap_free(&heap);
	free(opened);
	*figures = lost.figures;
	return error;
}
