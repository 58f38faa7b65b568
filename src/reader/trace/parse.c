/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See parse.h. */
#include "parse.h"
#include "cursor.h"
#include "parse_event.h"

#include <errno.h>

static const struct {
	const char *word;
	enum record_info info;
	bool number;
} infos[] = {
	{LM_TRACE_PID, INFO_PID, true},
	{LM_TRACE_FORKED, INFO_FORKED, true},
	{LM_TRACE_EXE, INFO_EXE, false},
	{LM_TRACE_CWD, INFO_CWD, false},
	{LM_TRACE_FORMAT, INFO_FORMAT, false},
	{LM_TRACE_MODULE, INFO_MODULE, false},
	{LM_TRACE_TIME, INFO_TIME, true},
	{LM_TRACE_BACKTRACE, INFO_BACKTRACE, true},
	{LM_TRACE_FILE, INFO_FILE, false},
	{LM_TRACE_LOST, INFO_LOST, true},
	{LM_TRACE_PROCESS, INFO_PROCESS, false},
	{LM_TRACE_CALLING, INFO_CALLING, false},
	{LM_TRACE_THREAD, INFO_THREAD, false},
	{LM_TRACE_FRAME, INFO_FRAME, true},
	{LM_TRACE_LIMIT, INFO_LIMIT, true},
	{LM_TRACE_SAMPLE, INFO_SAMPLE, false},
	{LM_TRACE_NODE, INFO_NODE, false},
	{LM_TRACE_FLAVOUR, INFO_FLAVOUR, false},
	{LM_TRACE_MISMATCH, INFO_CALLING, false},
	{LM_TRACE_GUESSED, INFO_GUESSED, false},
	{LM_TRACE_CALLERS, INFO_CALLERS, false},
	{LM_TRACE_LIVE, INFO_LIVE, false},
	{LM_TRACE_CONTINUED, INFO_CONTINUED, false},
	{LM_TRACE_BEGAN, INFO_BEGAN, true},
	{LM_TRACE_MARK, INFO_MARK, false},
	{LM_TRACE_KILLED, INFO_KILLED, true},
	{LM_TRACE_TITLE, INFO_TITLE, false},
	{LM_TRACE_BEFORE, INFO_BEFORE, false},
	{LM_TRACE_DETACHED, INFO_DETACHED, false},
	{LM_TRACE_REACHED_AT, INFO_REACHED, false},
	{LM_TRACE_UNREACHABLE, INFO_UNREACHABLE, false},
};

/* So many blanks behind '#' stand for a call. No record is shorter. */
enum { BLANKS_MIN = 6 };

/* Takes "from-to offset build-id path". The numbers are as in /proc/PID/maps. A stamp can stand for the build-id. */
static const char *parse_module(struct cursor *c, struct record_module *module)
{
	if (!cursor_hex(c, &module->from) || !cursor_byte(c, '-') || !cursor_hex(c, &module->to) ||
	    !cursor_byte(c, ' ') || !cursor_hex(c, &module->offset) || !cursor_byte(c, ' ') ||
	    !cursor_until(c, ' ', &module->build_id, &module->build_id_len) || !cursor_byte(c, ' ') ||
	    cursor_at_end(c) || module->from >= module->to)
		return "a module is not 'from-to offset build-id path'";
	module->stamp = memchr(module->build_id, '@', module->build_id_len) ? module->build_id : NULL;
	module->stamp_len = module->stamp ? module->build_id_len : 0;
	if (module->stamp || cursor_word_is(module->build_id, module->build_id_len, "-")) {
		module->build_id = NULL;
		module->build_id_len = 0;
	}
	module->path = c->at;
	module->path_len = (size_t)(c->end - c->at);
	return NULL;
}

/* Takes "number caller frame". */
static const char *parse_node(struct cursor *c, struct record_node *node)
{
	if (!cursor_number(c, &node->number) || !cursor_byte(c, ' ') || !cursor_number(c, &node->caller) ||
	    !cursor_byte(c, ' ') || !cursor_number(c, &node->frame) || !cursor_at_end(c))
		return "a node is not 'number caller frame'";
	return NULL;
}

/* Takes "from step". */
static const char *parse_callers(struct cursor *c, struct record_callers *callers)
{
	if (!cursor_hex(c, &callers->from) || !cursor_byte(c, ' ') || !cursor_number(c, &callers->step) ||
	    !cursor_at_end(c))
		return "callers are not 'from step'";
	return NULL;
}

/* Is there nothing but blanks? */
static bool is_blank(const char *text, size_t len)
{
	return len >= BLANKS_MIN && text[0] == ' ' && memcmp(text, text + 1, len - 1) == 0;
}

/*
 * The program may have written such a line itself. What can't be read is no fault. IS_MISMATCH: the line is about a
 * release by the wrong way, and has to name two.
 */
static void parse_calling(struct cursor c, struct record *record, bool is_mismatch)
{
	const char *word;
	size_t len;

	parse_event_clear(&record->event);
	if (cursor_until(&c, ' ', &word, &len)) {
		record->event.call = parse_event_find(word, len);
		if (record->event.call < LM_CALL_COUNT && !parse_event_call(&c, &record->event) &&
		    parse_is_mismatch(&record->event) == is_mismatch &&
		    (!is_mismatch || parse_is_free(record->event.call)))
			return;
	}
	record->info = INFO_OTHER;
}

/* Takes "number tid name". The name can be empty; blanks at its end only fill up the record. The same holds as above.
 */
static void parse_thread(struct cursor c, struct record *record)
{
	if (cursor_number(&c, &record->number) && record->number <= UINT32_MAX && cursor_byte(&c, ' ') &&
	    cursor_number(&c, &record->tid) && (cursor_byte(&c, ' ') || cursor_at_end(&c))) {
		record->text = c.at;
		record->len = (size_t)(c.end - c.at);
		while (record->len && record->text[record->len - 1] == ' ')
			record->len--;
		return;
	}
	record->info = INFO_OTHER;
	record->number = 0;
}

bool parse_block(struct cursor *c, uint64_t *address)
{
	while (cursor_byte(c, ' '))
		continue;
	return cursor_address(c, address) && (cursor_at_end(c) || cursor_is(c, ' '));
}

/* Is there a list of addresses, perhaps behind a word? */
static bool is_list(struct cursor c)
{
	uint64_t address;
	const char *word;
	size_t len;

	if (!cursor_is(&c, '0') && !cursor_until(&c, ' ', &word, &len))
		return false;
	if (!parse_block(&c, &address))
		return false;
	while (parse_block(&c, &address))
		continue;
	return cursor_at_end(&c);
}

/* Lines that the program may have written itself, which are then none of the tracker's. */
static bool is_own(struct cursor *c, struct record *record)
{
	switch (record->info) {
	case INFO_LIVE:
	case INFO_BEFORE:
	case INFO_SAMPLE:
		return !(cursor_number(c, &record->number) && cursor_at_end(c));
	case INFO_DETACHED:
	case INFO_CONTINUED:
		return record->len != 0;
	case INFO_REACHED:
		return !(cursor_number(c, &record->number) && (cursor_at_end(c) || cursor_is(c, ' ')));
	case INFO_UNREACHABLE:
		return !is_list(*c);
	default:
		return false;
	}
}

static const char *parse_info(struct cursor *c, struct record *record)
{
	const char *word;
	size_t len;

	record->kind = RECORD_INFO;
	record->info = INFO_OTHER;
	record->text = c->at;
	record->len = (size_t)(c->end - c->at);
	if (is_blank(record->text, record->len))
		record->info = INFO_NOTHING;
	if (!cursor_byte(c, ' ') || !cursor_until(c, ' ', &word, &len))
		return NULL;
	for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
		if (!cursor_word_is(word, len, infos[i].word))
			continue;
		if (!cursor_byte(c, ' ') && infos[i].info != INFO_DETACHED && infos[i].info != INFO_CONTINUED)
			return "an information line without its value";
		record->info = infos[i].info;
		record->text = c->at;
		record->len = (size_t)(c->end - c->at);
		if (infos[i].number && (!cursor_number(c, &record->number) || !cursor_at_end(c)))
			return "an information line whose value is not a number";
		if (record->info == INFO_CALLING)
			parse_calling(*c, record, infos[i].word[0] == LM_TRACE_MISMATCH[0]);
		if (record->info == INFO_THREAD)
			parse_thread(*c, record);
		if (is_own(c, record)) {
			record->info = INFO_OTHER;
			record->number = 0;
		}
		if (record->info == INFO_GUESSED)
			return cursor_address(c, &record->number) && cursor_at_end(c)
			               ? NULL
			               : "an information line whose value is not an address";
		if (record->info == INFO_NODE)
			return parse_node(c, &record->node);
		if (record->info == INFO_CALLERS)
			return parse_callers(c, &record->callers);
		return record->info == INFO_MODULE ? parse_module(c, &record->module) : NULL;
	}
	return NULL;
}

int parse_record(const char *text, size_t len, struct record *record)
{
	struct cursor c = cursor_start(text, len);

	/* Only these fields are set first: this runs for every line, and most lines are frames. */
	record->text = text;
	record->len = len;
	record->fault = NULL;
	if (cursor_byte(&c, '+')) {
		parse_event_clear(&record->event);
		record->fault = parse_event(&c, record);
	} else if (cursor_byte(&c, '#')) {
		record->number = 0;
		record->fault = parse_info(&c, record);
	} else if (len == 0 || cursor_literal(&c, "*** log-malloc trace-fd = ")) {
		record->kind = RECORD_BLANK;
	} else {
		record->kind = RECORD_FRAME;
	}
	return record->fault ? -EINVAL : 0;
}
