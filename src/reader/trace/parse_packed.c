/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See parse_packed.h. */
#include "parse_packed.h"

#include <string.h>

static uint64_t word(const char *text, unsigned index)
{
	return lm_packed_load((const unsigned char *)text + (size_t)index * LM_PACKED_WORD);
}

enum packed_find packed_look(const char *text, size_t len, size_t *size)
{
	unsigned words = lm_packed_words((unsigned char)text[0]);

	*size = LM_PACKED_WORD;
	if (len < LM_PACKED_WORD)
		return PACKED_SHORT;
	if (!words)
		return (unsigned char)text[0] == LM_PACKED_REST ? PACKED_REST : PACKED_NOTHING;
	for (unsigned i = 1; i < words; i++) {
		size_t at = (size_t)i * LM_PACKED_WORD;

		if (at >= len)
			return PACKED_SHORT;
		if ((unsigned char)text[at] != LM_PACKED_REST) {
			*size = at;
			return PACKED_TORN;
		}
	}
	*size = (size_t)words * LM_PACKED_WORD;
	return *size > len ? PACKED_SHORT : PACKED_WHOLE;
}

bool packed_is_certain_line(const char *text, size_t len)
{
	if (len < 4 || text[1] != ' ')
		return false;
	if (text[0] == '#')
		return text[2] >= 'A' && text[2] <= 'Z' && text[3] >= 'A' && text[3] <= 'Z';
	return text[0] == '+' && ((text[2] >= 'a' && text[2] <= 'z') || text[2] == 'I' || text[2] == 'F');
}

/* How much a record or a word says for a packed trace: about the bits that would not be so by chance. */
static unsigned weigh(enum packed_find found, const char *text, size_t size)
{
	enum { KIND = 5, FREE = 7, REST = 8, THREADS = 256 };

	/* Such words alone say nothing: many files have long rows of bytes that are 0xff. */
	if (found == PACKED_REST)
		return 0;
	/* Releases have one byte alone that tells them. So has a jump table, whose numbers look like those of many
	 * threads. */
	if (size == LM_PACKED_WORD)
		return lm_packed_thread(word(text, 0)) < THREADS ? FREE : 0;
	return KIND + (unsigned)(size / LM_PACKED_WORD - 1) * REST;
}

bool packed_is_certain(const char *text, size_t len)
{
	/* At the end of the input there may be no more than a few records. */
	enum { ENOUGH = 40, ENOUGH_AT_END = 13 };
	unsigned weight = 0;
	size_t size;

	for (size_t at = 0; at < len && weight < ENOUGH; at += size) {
		enum packed_find found = packed_look(text + at, len - at, &size);

		if (at && packed_is_certain_line(text + at, len - at))
			return true;
		if (found == PACKED_SHORT)
			break;
		if (found != PACKED_WHOLE && found != PACKED_REST)
			return false;
		weight += weigh(found, text + at, size);
	}
	return weight >= (len < PACKED_CERTAIN ? ENOUGH_AT_END : ENOUGH);
}

bool packed_is_below(const char *text, uint64_t highest)
{
	enum lm_packed_kind kind = lm_packed_kind(word(text, 0));

	if (kind == LM_PACKED_NODE)
		return true;
	return lm_packed_address(word(text, 0)) <= highest &&
	       (kind != LM_PACKED_REALLOC || word(text, 2) >> LM_PACKED_NEW <= highest);
}

bool packed_is_likely(const char *text, size_t len, uint64_t highest, bool begins)
{
	/* An address that is low enough says as much as ten bits at least. */
	enum { ENOUGH = 40, ENOUGH_ALONE = 20, ADDRESS = 10, BEGINS = 8 };
	unsigned weight = begins ? BEGINS : 0;
	size_t size;

	for (size_t at = 0; at < len && weight < ENOUGH; at += size) {
		enum packed_find found = packed_look(text + at, len - at, &size);

		if (at && packed_is_certain_line(text + at, len - at))
			return true;
		if (found != PACKED_WHOLE || !packed_is_below(text + at, highest))
			return at && weight >= ENOUGH_ALONE && (unsigned char)text[at] < LM_PACKED_FREE;
		weight += weigh(found, text + at, size) + ADDRESS;
	}
	return weight >= ENOUGH_ALONE;
}

static void clear(struct event *event)
{
	event->change = event->used = event->usable = 0;
	event->old = event->size = event->backtrace = 0;
	event->slack = event->old_slack = 0;
	event->arg_count = event->error = 0;
	event->failed = event->foreign = event->busy = event->unseen = event->unkept = false;
	event->has_backtrace = event->has_statm = false;
	event->has_thread = true;
	event->without_totals = event->without_sizes = true;
	memset(event->args, 0, sizeof event->args);
}

static void set_args(struct event *event, uint64_t first, uint64_t second)
{
	event->arg_count = 2;
	event->args[0] = first;
	event->args[1] = second;
}

/* The second word of all records that have one. */
static void take_block(struct event *event, uint64_t block)
{
	event->size = lm_packed_size(block);
	event->slack = (int64_t)(lm_packed_usable(block) - lm_packed_size(block));
	event->backtrace = lm_packed_trace(block);
	event->has_backtrace = event->backtrace != 0;
	event->change = (int64_t)event->size;
}

static void take_realloc(const char *text, struct event *event, bool moves)
{
	event->call = LM_CALL_REALLOC;
	event->old = event->pointer;
	if (moves)
		event->pointer = word(text, 2) >> LM_PACKED_NEW;
	set_args(event, 0, event->size);
}

static void take_calloc(const char *text, struct event *event, bool one)
{
	uint64_t elements = one ? 0 : word(text, 2);

	event->call = LM_CALL_CALLOC;
	if (one)
		set_args(event, 1, event->size);
	else
		set_args(event, elements >> LM_PACKED_COUNT & LM_PACKED_COUNT_MAX, elements >> LM_PACKED_EACH);
}

/* No tracker writes a null pointer here. As in a line, it means that the call failed, or released its block. */
static void take_null(struct event *event)
{
	event->failed = event->call != LM_CALL_REALLOC || event->size;
	event->size = 0;
}

static void take_node(const char *text, struct record *record)
{
	uint64_t first = word(text, 0);

	record->kind = RECORD_INFO;
	record->info = INFO_NODE;
	record->node = (struct record_node){
		.number = first >> LM_PACKED_NUMBER & LM_PACKED_NODE_MAX,
		.caller = word(text, 1) >> LM_PACKED_NUMBER & LM_PACKED_NODE_MAX,
		.frame = first >> LM_PACKED_FRAME,
	};
}

void parse_packed_event(const char *text, struct event *event)
{
	uint64_t first = word(text, 0);
	enum lm_packed_kind kind = lm_packed_kind(first);

	clear(event);
	event->pointer = lm_packed_address(first);
	event->thread = lm_packed_thread(first);
	event->call = kind == LM_PACKED_FREE || kind == LM_PACKED_FREE_OF ? LM_CALL_FREE : LM_CALL_MALLOC;
	if (kind == LM_PACKED_FREE)
		return;
	take_block(event, word(text, 1));
	if (kind == LM_PACKED_FREE_OF) {
		event->change = -event->change;
		event->without_sizes = event->has_backtrace = false;
		return;
	}
	if (kind == LM_PACKED_REALLOC || kind == LM_PACKED_REALLOC_AT)
		take_realloc(text, event, kind == LM_PACKED_REALLOC);
	else if (kind != LM_PACKED_MALLOC)
		take_calloc(text, event, kind == LM_PACKED_CALLOC);
	if (__builtin_expect(!event->pointer, 0))
		take_null(event);
}

void parse_packed(const char *text, struct record *record)
{
	record->text = NULL;
	record->len = 0;
	record->fault = NULL;
	record->kind = RECORD_CALL;
	if (lm_packed_kind(word(text, 0)) == LM_PACKED_NODE)
		take_node(text, record);
	else
		parse_packed_event(text, &record->event);
}
