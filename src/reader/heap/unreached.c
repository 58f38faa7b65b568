/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See unreached.h. */
#include "unreached.h"
#include "array.h"
#include "cursor.h"
#include "trace.h"

#include <errno.h>
#include <stdlib.h>

const char *reach_name(enum reach reach)
{
	static const char *const names[REACH_KINDS + 1] = {[REACH_LOST] = "lost",
	                                                   [REACH_INDIRECT] = "indirect",
	                                                   [REACH_POSSIBLE] = "possible",
	                                                   [REACH_REACHABLE] = "reachable"};

	return names[reach];
}

int unreached_add(struct unreached *unreached, uint64_t address, enum reach reach)
{
	uint32_t place = hash_find_number(&unreached->table, address);
	struct unreached_block *blocks;

	if (place != HASH_NONE) {
		unreached->blocks[place].reach = reach;
		return 0;
	}
	blocks = array_grow(unreached->blocks, &unreached->room, unreached->count + 1, sizeof *blocks);
	if (!blocks)
		return -ENOMEM;
	unreached->blocks = blocks;
	if (hash_set_number(&unreached->table, address, (uint32_t)unreached->count) != 0)
		return -ENOMEM;
	blocks[unreached->count++] = (struct unreached_block){address, reach};
	return 0;
}

enum reach unreached_find(const struct unreached *unreached, uint64_t address)
{
	uint32_t place = hash_find_number(&unreached->table, address);

	return place == HASH_NONE ? REACH_REACHABLE : unreached->blocks[place].reach;
}

enum reach unreached_judge(const struct unreached *unreached, uint64_t address, uint64_t line)
{
	if (!unreached->known || (unreached->line && line > unreached->line))
		return REACH_UNKNOWN;
	return unreached_find(unreached, address);
}

/* ---- from a trace --------------------------------------------------------------- */

/* Begins anew with what stands behind the milliseconds: words and annotations, of which unknown ones are skipped. */
static void begin(struct unreached *unreached, const struct record *record, uint64_t line)
{
	struct cursor c = cursor_start(record->text, record->len);
	const char *word;
	size_t len;

	unreached_free(unreached);
	unreached->known = true;
	unreached->at = record->number;
	unreached->line = line;
	while (cursor_until(&c, ' ', &word, &len) || !cursor_at_end(&c)) {
		struct cursor text = cursor_start(word, len);

		if (cursor_literal(&text, LM_TRACE_BLOCKS "="))
			unreached->has_count = cursor_number(&text, &unreached->wanted) && cursor_at_end(&text);
		else if (cursor_literal(&text, LM_TRACE_PARTIAL))
			unreached->is_partial |= cursor_at_end(&text);
		cursor_byte(&c, ' ');
	}
}

/* Takes the word in front of the addresses. One that is not known says nothing. */
static enum reach take_reach(struct cursor *c)
{
	if (cursor_is(c, '0'))
		return REACH_LOST;
	if (cursor_literal(c, LM_TRACE_INDIRECT " "))
		return REACH_INDIRECT;
	if (cursor_literal(c, LM_TRACE_POSSIBLE " "))
		return REACH_POSSIBLE;
	return REACH_UNKNOWN;
}

int unreached_take(struct unreached *unreached, const struct trace *trace, const struct trace_item *item)
{
	const struct record *record = &trace->record;
	struct cursor c = cursor_start(record->text, record->len);
	enum reach reach;
	uint64_t address;
	int error = 0;

	if (record->info == INFO_REACHED) {
		begin(unreached, record, item->line);
		return 0;
	}
	reach = take_reach(&c);
	if (!unreached->known || reach == REACH_UNKNOWN)
		return 0;
	for (; !error && parse_block(&c, &address); unreached->listed++)
		error = unreached_add(unreached, address, reach);
	return error;
}

bool unreached_is_whole(struct unreached *unreached)
{
	bool whole = !unreached->known || !unreached->has_count || unreached->listed >= unreached->wanted;

	unreached->known &= whole;
	return whole;
}

void unreached_free(struct unreached *unreached)
{
	free(unreached->blocks);
	hash_free(&unreached->table);
	*unreached = (struct unreached){0};
}
