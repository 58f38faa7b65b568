/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See rotated.h. */
#include "rotated.h"

#include "heap.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *frames_of(const struct trace *trace, uint32_t number)
{
	const struct stacks *stacks = &trace->image.stacks;
	struct stack stack = number == STACK_NONE ? (struct stack){.depth = 0} : stacks_get(stacks, number);
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < stack.depth; i++) {
		struct stacks_frame frame = stacks_frame_at(stacks, stack.frames[i]);

		fprintf(out, "%.*s\n", (int)frame.len, frame.text);
	}
	fclose(out);
	return text;
}

static int by_address(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* What HEAP has now. Nothing of an earlier image stays. */
static struct blocks live_in(const struct trace *trace, const struct heap *heap)
{
	struct blocks blocks = {.list = calloc(heap->blocks + 1, sizeof *blocks.list)};
	const struct heap_block *block;
	size_t position = 0;

	ck_assert_ptr_nonnull(blocks.list);
	while ((block = heap_next(heap, &position)))
		blocks.list[blocks.count++] =
			(struct block){.address = block->address,
		                       .size = block->size,
		                       .tid = threads_get(&trace->image.threads, block->thread)->tid,
		                       .frames = frames_of(trace, block->stack)};
	qsort(blocks.list, blocks.count, sizeof *blocks.list, by_address);
	return blocks;
}

static void take_item(struct file *file, struct heap *heap, const struct trace *trace, const struct trace_item *item)
{
	if (item->kind == TRACE_INIT) {
		heap_free(heap);
		file->images++;
	}
	if (item->kind == TRACE_CALL) {
		file->events += !item->event.is_live;
		each_holds(heap_apply(heap, &item->event, item->stack, item->line) == 0);
	}
	/* Nothing was live, so no list follows: a full disk may have lost all. */
	if (item->kind == TRACE_INFO && trace->record.info == INFO_LIVE && trace->record.number == 0)
		file->has_first |= file->images == 1;
	if (item->kind == TRACE_CALL && trace->image.events == 1 + heap->counts.allocated && item->event.is_live &&
	    !trace->image.live_left) {
		if (file->images == 1)
			file->first = live_in(trace, heap);
		file->has_first |= file->images == 1;
	}
	if (item->kind != TRACE_END)
		return;
	/* A release is one of a block that the file has, and no address is allocated twice. */
	if (!trace->image.lost) {
		ck_assert_uint_eq(heap->counts.unknown, 0);
		ck_assert_uint_eq(heap->counts.replaced, 0);
	}
	ck_assert_uint_eq(heap->counts.foreign, 0);
	file->last = live_in(trace, heap);
	file->ending = trace->image.ending;
	file->lost = trace->image.lost;
	file->limit = trace->image.is_limited ? trace->image.limit : 0;
	file->parent = trace->image.parent;
}

struct file rotated_read(const char *path)
{
	struct file file = {.images = 0};
	struct heap heap = {.blocks = 0};
	struct trace_item item;
	struct trace trace;
	char full[2 * PATH_MAX];
	struct stat st;
	int got;

	snprintf(full, sizeof full, "%s/%s", scratch(), path);
	ck_assert_msg(stat(full, &st) == 0 && trace_open(&trace, full, NULL) == 0, "%s", path);
	trace.with_lines = true;
	while ((got = trace_next(&trace, &item)) > 0)
		take_item(&file, &heap, &trace, &item);
	ck_assert_int_eq(got, 0);
	file.malformed = trace.malformed;
	file.is_torn = trace.ends_early;
	file.size = (long long)st.st_size;
	trace_close(&trace);
	heap_free(&heap);
	return file;
}

static void are_same(const struct blocks *ended, const struct blocks *began, const char *path)
{
	ck_assert_msg(ended->count == began->count, "%s: %zu blocks, not %zu", path, began->count, ended->count);
	for (size_t i = 0; i < ended->count; i++) {
		const struct block *a = &ended->list[i], *b = &began->list[i];

		if (a->address != b->address || a->size != b->size || a->tid != b->tid || strcmp(a->frames, b->frames))
			ck_abort_msg("%s: 0x%llx %llu of %llu\n%s, not 0x%llx %llu of %llu\n%s", path,
			             (unsigned long long)b->address, (unsigned long long)b->size,
			             (unsigned long long)b->tid, b->frames, (unsigned long long)a->address,
			             (unsigned long long)a->size, (unsigned long long)a->tid, a->frames);
	}
}

/* The number of the oldest file of the trace PATH, or 0. */
int rotated_oldest(const char *path)
{
	return atoi(must(run("ls | sed -n 's/^%s\\.old-//p' | sort -n | tail -n 1", path)).out);
}

static bool is_there(const char *path)
{
	char full[2 * PATH_MAX];
	struct stat st;

	snprintf(full, sizeof full, "%s/%s", scratch(), path);
	return stat(full, &st) == 0;
}

/*
 * A kill behind the exchange of the names leaves the youngest older file of PATH as NAME. But in front of it, this name
 * is that of a newer file, and the trace says that it goes on there.
 */
static bool find_exchanged(const char *path, char name[PATH_MAX])
{
	snprintf(name, PATH_MAX, "%s.next", path);
	return is_there(name) && rotated_read(path).ending != TRACE_CONTINUED;
}

/*
 * Each file of the trace PATH, the oldest first, begins with what the one before ended with, and is no larger than
 * LIMIT. Returns the youngest.
 */
struct file rotated_follow(const char *path, int keep, long long limit)
{
	const int count = rotated_oldest(path);
	struct file before = {.images = 0}, file;
	char name[PATH_MAX];

	ck_assert_int_le(count, keep);
	for (int number = count; number >= 0; number--) {
		if (number)
			snprintf(name, sizeof name, "%s.old-%d", path, number);
		else
			snprintf(name, sizeof name, "%s", path);
		/* A kill while the names move on by one leaves one of them free. */
		if (!is_there(name) && !(number == 1 && find_exchanged(path, name)))
			continue;
		file = rotated_read(name);
		ck_assert_msg(file.malformed == 0, "%s", name);
		if (number < count) {
			ck_assert_msg(file.has_first, "%s", name);
			are_same(&before.last, &file.first, name);
		}
		if (number) {
			ck_assert_msg(file.ending == TRACE_CONTINUED, "%s: %d", name, (int)file.ending);
			ck_assert_msg(file.size > limit / 2, "%s: %lld", name, file.size);
		}
		ck_assert_msg(file.size <= limit, "%s: %lld", name, file.size);
		before = file;
	}
	return file;
}

/* The blocks from 3000 to 3499 bytes that FILE ended with are those that the program printed. */
void rotated_has_printed(const struct file *file, const char *printed)
{
	size_t count = 0, own = 0;
	unsigned long long address;
	unsigned size;
	int length;

	for (; sscanf(printed, "%llx %u\n%n", &address, &size, &length) == 2; printed += length, count++) {
		const struct block wanted = {.address = address};
		const struct block *found =
			bsearch(&wanted, file->last.list, file->last.count, sizeof wanted, by_address);

		ck_assert_msg(found && found->size == size, "0x%llx %u", address, size);
	}
	ck_assert_str_eq(printed, "");
	for (size_t i = 0; i < file->last.count; i++)
		own += file->last.list[i].size >= 3000 && file->last.list[i].size < 3500;
	ck_assert_uint_eq(count, own);
	ck_assert_uint_gt(count, 0);
}
