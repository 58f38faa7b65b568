/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See frees.h. Freed blocks are forgotten while a trace is read, so that memory grows
 * only with the live blocks. For the few addresses whose past matters, the trace is
 * read a second time.
 */
#include "frees.h"
#include "array.h"
#include "stacks.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An address that was released when it was not in use, and what happened to it before. */
struct history {
	uint64_t address;
	bool live;
	uint64_t lost; /* the number of lost events when it was released */
	struct frees_past past;
};

struct histories {
	struct history *list;
	size_t count, room;
	struct hash_table table;
};

static bool same_group(const void *owner, uint32_t place, const void *key)
{
	const struct frees_group *a = &((const struct frees *)owner)->groups[place];
	const struct frees_suspect *b = key;

	if (a->kind != b->kind || a->stack != b->stack || (a->stack == STACK_NONE && a->call != b->call))
		return false;
	return a->kind != FREES_MISMATCHED ||
	       (a->past.allocated_stack == b->past.allocated_stack && a->release == b->release && a->asked == b->asked);
}

/* Adds SUSPECT to its group. 0 or -ENOMEM. */
static int count(struct frees *frees, const struct frees_suspect *suspect)
{
	uint64_t hash = hash_mix(hash_mix(suspect->stack ^ (uint64_t)suspect->kind << 32) ^
	                         (suspect->kind == FREES_MISMATCHED ? suspect->past.allocated_stack : 0));
	uint32_t place = hash_find(&frees->table, hash, same_group, frees, suspect);
	struct frees_group *groups;

	frees->counts[suspect->kind]++;
	if (suspect->kind >= FREES_WRONG)
		return 0;
	if (place != HASH_NONE) {
		frees->groups[place].count++;
		return 0;
	}
	groups = array_grow(frees->groups, &frees->room, frees->count + 1, sizeof *groups);
	if (!groups)
		return -ENOMEM;
	frees->groups = groups;
	groups[frees->count] = (struct frees_group){
		.kind = suspect->kind,
		.call = suspect->call,
		.release = suspect->release,
		.asked = suspect->asked,
		.stack = suspect->stack,
		.count = 1,
		.address = suspect->address,
		.line = suspect->line,
		.past = suspect->past,
	};
	return hash_add(&frees->table, hash, (uint32_t)frees->count++);
}

static struct frees_suspect *suspect_at(const struct frees *frees, size_t i)
{
	return &frees->suspects[(frees->suspect_first + i) % frees->suspect_count];
}

/* The ring is full: NEXT takes the place of the first suspect, which is only counted. */
static int let_first_go(struct frees *frees, const struct frees_suspect *next)
{
	struct frees_suspect *first = suspect_at(frees, 0);
	int error = count(frees, first);

	*first = *next;
	frees->suspect_first = (frees->suspect_first + 1) % frees->suspect_count;
	/* No program frees so many blocks twice, so the tracker does not see all allocations. */
	frees->sees_part = true;
	return error;
}

static enum frees_kind kind_of_foreign(const struct frees *frees)
{
	return frees->has_before ? FREES_BEFORE : FREES_FOREIGN;
}

int frees_add(void *context, const struct heap_change *change)
{
	struct frees *frees = context;
	struct frees_suspect suspect = {
		.address = change->released,
		.line = change->added.line,
		.kind = change->foreign ? kind_of_foreign(frees) : FREES_UNKNOWN,
		.call = change->added.call,
		.stack = change->added.stack,
	};
	struct frees_suspect *suspects;

	if (frees->suspect_count == FREES_SUSPECTS_MAX)
		return let_first_go(frees, &suspect);
	suspects = array_grow(frees->suspects, &frees->suspect_room, frees->suspect_count + 1, sizeof *suspects);
	if (!suspects)
		return -ENOMEM;
	frees->suspects = suspects;
	suspects[frees->suspect_count++] = suspect;
	return 0;
}

int frees_call(struct frees *frees, const struct trace_item *item)
{
	struct frees_suspect *calls = array_grow(frees->calls, &frees->call_room, frees->call_count + 1, sizeof *calls);

	if (!calls)
		return -ENOMEM;
	frees->calls = calls;
	calls[frees->call_count++] = (struct frees_suspect){
		.address = item->event.old,
		.line = item->line,
		.kind = kind_of_foreign(frees),
		.call = item->event.call,
		.stack = item->stack,
	};
	return 0;
}

void frees_return(struct frees *frees, const struct trace_item *item)
{
	size_t i = 0;

	while (i < frees->call_count && frees->calls[i].address != item->event.old)
		i++;
	if (i == frees->call_count)
		return;
	frees->call_count--;
	memmove(&frees->calls[i], &frees->calls[i + 1], (frees->call_count - i) * sizeof *frees->calls);
}

int frees_mismatch(struct frees *frees, const struct trace_item *item, const struct heap_block *block)
{
	struct frees_suspect suspect = {
		.kind = FREES_MISMATCHED,
		.address = item->event.pointer,
		.line = item->line,
		.call = item->event.call,
		.release = (enum lm_way)item->event.release,
		.asked = (enum lm_way)item->event.asked,
		.stack = item->stack,
		.past = {.allocated_stack = STACK_NONE},
	};

	if (block)
		suspect.past = (struct frees_past){
			.allocated_by = block->call, .allocated_line = block->line, .allocated_stack = block->stack};
	return count(frees, &suspect);
}

static int by_line(const void *a, const void *b)
{
	const struct frees_suspect *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

/* Calls that never returned become suspects. If there are too many suspects already, they are only counted. */
static int add_calls(struct frees *frees)
{
	size_t count_all = frees->suspect_count + frees->call_count;
	struct frees_suspect *suspects;
	int error = 0;

	if (count_all > FREES_SUSPECTS_MAX) {
		for (size_t i = 0; !error && i < frees->call_count; i++)
			error = count(frees, &frees->calls[i]);
		return error;
	}
	if (!frees->call_count)
		return 0;
	suspects = array_grow(frees->suspects, &frees->suspect_room, count_all, sizeof *suspects);
	if (!suspects)
		return -ENOMEM;
	frees->suspects = suspects;
	memcpy(&suspects[frees->suspect_count], frees->calls, frees->call_count * sizeof *suspects);
	frees->suspect_count = count_all;
	qsort(suspects, count_all, sizeof *suspects, by_line);
	return 0;
}

static bool same_address(const void *owner, uint32_t place, const void *key)
{
	const struct histories *histories = owner;

	return histories->list[place].address == *(const uint64_t *)key;
}

static struct history *find_history(const struct histories *histories, uint64_t address)
{
	uint32_t place = hash_find(&histories->table, hash_mix(address), same_address, histories, &address);

	return place == HASH_NONE ? NULL : &histories->list[place];
}

static int add_history(struct histories *histories, uint64_t address)
{
	struct history *list;

	if (find_history(histories, address))
		return 0;
	list = array_grow(histories->list, &histories->room, histories->count + 1, sizeof *list);
	if (!list)
		return -ENOMEM;
	histories->list = list;
	list[histories->count] = (struct history){.address = address};
	return hash_add(&histories->table, hash_mix(address), (uint32_t)histories->count++);
}

static void note_release(const struct histories *histories, uint64_t address, uint64_t line, uint64_t lost)
{
	struct history *history = address ? find_history(histories, address) : NULL;

	if (!history || !history->live)
		return;
	history->live = false;
	history->past.released = true;
	history->past.released_line = line;
	history->lost = lost;
}

static void note_allocation(const struct histories *histories, const struct trace_item *item)
{
	struct history *history = item->event.pointer ? find_history(histories, item->event.pointer) : NULL;

	if (!history)
		return;
	history->live = true;
	history->past = (struct frees_past){
		.allocated_by = item->event.call, .allocated_line = item->line, .allocated_stack = item->stack};
}

/* Notes what a call does to the addresses in question. LOST events were missing so far. */
static void note(struct frees *frees, const struct histories *histories, const struct trace_item *item, uint64_t lost)
{
	const struct event *event = &item->event;

	if (event->failed)
		return;
	frees->sees_part |= event->unseen;
	if (parse_is_free(event->call)) {
		note_release(histories, event->pointer, item->line, lost);
		return;
	}
	if (parse_is_realloc(event->call))
		note_release(histories, event->old, item->line, lost);
	note_allocation(histories, item);
}

/* If events were lost since its release, the address may have been allocated again. Then its past is unknown. */
static void set_past(struct frees_suspect *suspect, const struct history *history, uint64_t lost)
{
	if (history->past.released && history->lost != lost)
		suspect->past = (struct frees_past){.released = false};
	else
		suspect->past = history->past;
}

/* Gives each suspect the past that its address has at its line. */
static int read_pasts(struct frees *frees, const struct histories *histories, struct trace *trace, unsigned image)
{
	struct trace_item item;
	size_t next = 0;
	int got = 1;

	while (next < frees->suspect_count && (got = trace_next(trace, &item)) > 0) {
		struct frees_suspect *suspect = suspect_at(frees, next);

		if (trace->image.number > image)
			break;
		if (trace->image.number < image || (item.kind != TRACE_CALL && item.kind != TRACE_CALLING))
			continue;
		if (item.line == suspect->line) {
			set_past(suspect, find_history(histories, suspect->address), trace->image.lost);
			next++;
		}
		if (item.kind == TRACE_CALL)
			note(frees, histories, &item, trace->image.lost);
	}
	return got < 0 ? got : 0;
}

static int look_back(struct frees *frees, const char *path, unsigned image)
{
	struct trace *trace = malloc(sizeof *trace);
	struct histories histories = {0};
	int error = trace ? trace_open(trace, path, NULL) : -ENOMEM;

	if (error) {
		free(trace);
		return error;
	}
	for (size_t i = 0; !error && i < frees->suspect_count; i++)
		error = add_history(&histories, frees->suspects[i].address);
	if (!error)
		error = read_pasts(frees, &histories, trace, image);
	trace_close(trace);
	free(trace);
	free(histories.list);
	hash_free(&histories.table);
	return error;
}

/*
 * A block that was released after the tracker attached is none from before. Code that the tracker does not see has
 * allocated it again, or it was released twice.
 *
 * A block that was released before was released twice, unless code that the tracker
 * does not see allocated it again. A tracker that is linked into a dynamic program
 * sees only the program's own calls.
 */
static void judge(struct frees *frees)
{
	/* The tracker that attached may not see all calls. */
	frees->sees_part |= frees->has_before;
	for (size_t i = 0; i < frees->suspect_count; i++)
		if (frees->suspects[i].kind == FREES_BEFORE && frees->suspects[i].past.released)
			frees->suspects[i].kind = FREES_FOREIGN;
	for (size_t i = 0; i < frees->suspect_count; i++)
		frees->sees_part |= frees->suspects[i].kind == FREES_FOREIGN && !frees->suspects[i].past.released;
	for (size_t i = 0; !frees->sees_part && i < frees->suspect_count; i++)
		if (frees->suspects[i].past.released)
			frees->suspects[i].kind = FREES_DOUBLE;
}

static int by_kind(const void *a, const void *b)
{
	const struct frees_group *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->line > y->line) - (x->line < y->line);
}

int frees_finish(struct frees *frees, const char *path, unsigned image)
{
	int error = add_calls(frees);

	if (!error && path && frees->suspect_count)
		error = look_back(frees, path, image);
	judge(frees);
	for (size_t i = 0; !error && i < frees->suspect_count; i++)
		error = count(frees, suspect_at(frees, i));
	if (!error && frees->count)
		qsort(frees->groups, frees->count, sizeof *frees->groups, by_kind);
	return error;
}

const char *frees_kind_name(enum frees_kind kind)
{
	static const char *const names[FREES_KINDS] = {"double",  "mismatched", "foreign",
	                                               "unknown", "inherited",  "from_before"};

	return names[kind];
}

void frees_free(struct frees *frees)
{
	free(frees->groups);
	free(frees->suspects);
	free(frees->calls);
	hash_free(&frees->table);
	*frees = (struct frees){0};
}
