/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See parse.h. */
#include "parse.h"
#include "cursor.h"

#include <errno.h>

#define CALL_NAME(id, word) {word, sizeof word - 1},
static const struct {
	const char *word;
	size_t len;
} calls[LM_CALL_COUNT] = {LM_TRACE_CALLS(CALL_NAME)};
#undef CALL_NAME

/* What a call's line has between its size and its markers. */
static const struct form {
	unsigned pointers;
	unsigned args;        /* numbers in parentheses */
	unsigned args_failed; /* the same if the call failed: at most so many */
	unsigned args_more;   /* numbers behind a colon in the same parentheses */
	bool args_last;       /* the parentheses come behind [U:R] */
} forms[LM_CALL_COUNT] = {
	[LM_CALL_MALLOC] = {.pointers = 1, .args_failed = 1},
	[LM_CALL_CALLOC] = {.pointers = 1, .args = 2, .args_failed = 2, .args_last = true},
	[LM_CALL_REALLOC] = {.pointers = 2, .args = 2, .args_failed = 2},
	[LM_CALL_MEMALIGN] = {.pointers = 1, .args = 1, .args_failed = 2},
	[LM_CALL_POSIX_MEMALIGN] = {.pointers = 1, .args = 2, .args_failed = 2, .args_more = 1},
	[LM_CALL_VALLOC] = {.pointers = 1, .args_failed = 1},
	[LM_CALL_FREE] = {.pointers = 1},
	[LM_CALL_REALLOCARRAY] = {.pointers = 2, .args = 2, .args_failed = 2, .args_more = 2},
	[LM_CALL_ALIGNED_ALLOC] = {.pointers = 1, .args = 1, .args_failed = 2},
	[LM_CALL_PVALLOC] = {.pointers = 1, .args_failed = 1},
	[LM_CALL_FREE_SIZED] = {.pointers = 1},
	[LM_CALL_FREE_ALIGNED_SIZED] = {.pointers = 1},
};

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

const char *parse_call_name(enum lm_call call)
{
	return calls[call].word;
}

static const char *const asked[LM_WAY_COUNT] = {
#define ASKED(id, ask, release) [LM_WAY_##id] = (ask),
	LM_TRACE_WAYS(ASKED)
#undef ASKED
};

static const char *const released[LM_WAY_COUNT] = {
#define RELEASED(id, ask, release) [LM_WAY_##id] = (release),
	LM_TRACE_WAYS(RELEASED)
#undef RELEASED
};

const char *parse_way_asked(enum lm_way way)
{
	return asked[way];
}

const char *parse_way_released(enum lm_way way)
{
	return released[way];
}

/* Clears the fields one by one. A memset() of the whole event takes longer than reading a line. */
static inline void clear_event(struct event *event)
{
	event->change = event->used = event->usable = 0;
	event->pointer = event->old = event->size = event->backtrace = 0;
	event->slack = event->old_slack = 0;
	event->arg_count = event->error = event->thread = event->by = 0;
	event->failed = event->foreign = event->busy = event->unseen = event->unkept = false;
	event->release = event->asked = LM_WAY_C;
	event->has_backtrace = event->has_thread = event->has_statm = false;
	event->without_totals = event->without_sizes = false;
	memset(event->args, 0, sizeof event->args);
}

static enum lm_call find_call(const char *word, size_t len)
{
	for (int i = 0; i < LM_CALL_COUNT; i++)
		if (calls[i].len == len && calls[i].word[0] == *word && memcmp(calls[i].word, word, len) == 0)
			return (enum lm_call)i;
	return LM_CALL_COUNT;
}

static bool take_pointer(struct cursor *c, uint64_t *pointer)
{
	if (cursor_literal(c, LM_TRACE_NIL)) {
		*pointer = 0;
		return true;
	}
	return cursor_address(c, pointer);
}

/* Takes " [U:R]". */
static bool take_totals(struct cursor *c, struct event *event)
{
	return cursor_literal(c, " [") && cursor_signed(c, &event->used) && cursor_byte(c, ':') &&
	       cursor_signed(c, &event->usable) && cursor_byte(c, ']');
}

/* Takes numbers with blanks between them, until there are LIMIT in all. */
static bool take_args(struct cursor *c, struct event *event, unsigned limit)
{
	do {
		if (event->arg_count == limit || !cursor_number(c, &event->args[event->arg_count]))
			return false;
		event->arg_count++;
	} while (event->arg_count < limit && cursor_byte(c, ' '));
	return true;
}

/* Takes " (N N : N N)", in the way that FORM says. */
static const char *take_parentheses(struct cursor *c, const struct form *form, struct event *event)
{
	static const char fault[] = "the numbers in parentheses are not this call's";
	unsigned most = event->pointer ? form->args : form->args_failed;

	if (!cursor_literal(c, " ("))
		return form->args ? fault : NULL;
	if (!take_args(c, event, most) || event->arg_count < form->args)
		return fault;
	if (form->args_more && (!cursor_literal(c, " : ") || !take_args(c, event, form->args + form->args_more) ||
	                        event->arg_count != form->args + form->args_more))
		return fault;
	return cursor_byte(c, ')') ? NULL : fault;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* The way among WORDS that is called WORD. One that is not known is C's, so that nothing seems wrong. */
static uint8_t find_way(const char *const words[LM_WAY_COUNT], const char *word, size_t len)
{
	for (int way = 0; way < LM_WAY_COUNT; way++)
		if (is_word(word, len, words[way]))
			return (uint8_t)way;
	return LM_WAY_C;
}

static const char *take_thread(struct cursor *value, struct event *event)
{
	uint64_t number = 0;

	event->has_thread = cursor_number(value, &number) && cursor_at_end(value) && number <= UINT32_MAX;
	event->thread = event->has_thread ? (uint32_t)number : 0;
	return event->has_thread ? NULL : "the thread's number is not a number";
}

/* Takes " key=value". Unknown keys are skipped. */
static const char *take_annotation(struct cursor *c, struct event *event)
{
	const char *word;
	size_t len, key;
	const char *equals;
	struct cursor value;
	uint64_t flag = 0;

	/* Without what stands in front of it, a key of that kind would be a marker. */
	if (cursor_is(c, '!') || !cursor_until(c, ' ', &word, &len) || !(equals = memchr(word, '=', len)) ||
	    equals == word)
		return "something that is neither a marker nor key=value";
	key = (size_t)(equals - word);
	value = cursor_start(equals + 1, len - key - 1);
	if (is_word(word, key, LM_TRACE_BT)) {
		event->has_backtrace = cursor_number(&value, &event->backtrace) && cursor_at_end(&value);
		return event->has_backtrace ? NULL : "the backtrace's number is not a number";
	}
	if (is_word(word, key, LM_TRACE_BY))
		return take_thread(&value, event);
	if (is_word(word, key, LM_TRACE_RELEASE))
		event->release = find_way(released, equals + 1, len - key - 1);
	else if (is_word(word, key, LM_TRACE_ASKED))
		event->asked = find_way(asked, equals + 1, len - key - 1);
	else if (is_word(word, key, LM_TRACE_UNSEEN))
		event->unseen = cursor_number(&value, &flag) && flag;
	else if (is_word(word, key, LM_TRACE_UNKEPT))
		event->unkept = cursor_number(&value, &flag) && flag;
	else if (is_word(word, key, LM_TRACE_USABLE))
		/* The size is not known yet, see conclude_slack(). */
		event->slack = cursor_number(&value, &flag) && flag < INT64_MAX ? (int64_t)flag + 1 : 0;
	else if (is_word(word, key, LM_TRACE_RELEASED))
		event->old_slack = cursor_number(&value, &flag) && flag < INT64_MAX ? (int64_t)flag + 1 : 0;
	return NULL;
}

/* Takes the numbers behind " #", up to the end of the line. */
static const char *take_statm(struct cursor *c, struct event *event)
{
	for (int i = 0; i < LM_TRACE_STATM_FIELDS; i++)
		if ((i && !cursor_byte(c, ' ')) || !cursor_number(c, &event->statm[i]))
			return "the numbers of statm are not complete";
	event->has_statm = cursor_at_end(c);
	return event->has_statm ? NULL : "something after the numbers of statm";
}

/* Takes " !f", " !e12", "!", " key=value", " #1 2 3 4 5 6 7". Each is optional; the order is fixed. */
static const char *take_markers(struct cursor *c, struct event *event)
{
	uint64_t error;

	event->foreign = cursor_literal(c, LM_TRACE_FOREIGN);
	if (cursor_literal(c, LM_TRACE_ERRNO)) {
		if (!cursor_number(c, &error) || error > INT32_MAX)
			return "the errno is not a number";
		event->error = (unsigned)error;
		event->failed = true;
	}
	event->busy = cursor_literal(c, LM_TRACE_BUSY);
	while (cursor_byte(c, ' ')) {
		const char *fault;

		if (cursor_byte(c, '#'))
			return take_statm(c, event);
		fault = take_annotation(c, event);
		if (fault)
			return fault;
	}
	return cursor_at_end(c) ? NULL : "something behind the end of the event";
}

/* From the annotations, each 1 more than a usable size, or 0 without one, to the slack. */
static void conclude_slack(struct event *event)
{
	if (event->slack)
		event->slack -= 1 + (int64_t)event->size;
	if (event->old_slack)
		event->old_slack -= 1 + (int64_t)event->args[0];
}

/* Finds out the size of the call's block, and whether the call failed. */
static void conclude_size(struct event *event)
{
	const uint64_t *args = event->args;

	if (parse_is_free(event->call)) {
		event->size = event->change < 0 ? -(uint64_t)event->change : (uint64_t)event->change;
		return;
	}
	if (parse_is_realloc(event->call)) {
		event->size = args[1];
		/* A null pointer for a size of 0 is a successful release. */
		event->failed |= !event->pointer && args[1];
	} else {
		event->size = (uint64_t)event->change;
		event->failed |= !event->pointer;
	}
	if (event->call == LM_CALL_POSIX_MEMALIGN && args[2]) {
		event->failed = true;
		if (!event->error && args[2] <= INT32_MAX)
			event->error = (unsigned)args[2];
	}
	if (event->failed)
		event->size = 0;
}

static const char *parse_call(struct cursor *c, struct event *event)
{
	const struct form *form = &forms[event->call];
	const char *fault;

	if (!cursor_byte(c, ' ') || !cursor_signed(c, &event->change))
		return "the size is missing or out of range";
	if (form->pointers == 2 && (!cursor_byte(c, ' ') || !take_pointer(c, &event->old)))
		return "the old pointer is missing";
	if (!cursor_byte(c, ' ') || !take_pointer(c, &event->pointer))
		return "the pointer is missing";
	if (!form->args_last && (fault = take_parentheses(c, form, event)))
		return fault;
	if (!take_totals(c, event))
		return "the bytes in use [U:R] are missing";
	if (form->args_last && (fault = take_parentheses(c, form, event)))
		return fault;
	fault = take_markers(c, event);
	if (fault)
		return fault;
	if (event->change < 0 && !parse_is_free(event->call) && !parse_is_realloc(event->call))
		return "an allocation of a negative size";
	conclude_size(event);
	conclude_slack(event);
	return NULL;
}

/* Takes " name=N", or " memalign=N/N" for memalign and posix_memalign. Unknown names are skipped. */
static const char *take_count(struct cursor *c, struct event *event)
{
	const char *name;
	size_t len;
	uint64_t first, second;
	enum lm_call call;

	if (!cursor_byte(c, ' ') || !cursor_until(c, '=', &name, &len) || !cursor_byte(c, '=') ||
	    !cursor_number(c, &first))
		return "a count is not name=number";
	call = find_call(name, len);
	if (call < LM_CALL_COUNT)
		event->counts[call] = first;
	if (!cursor_byte(c, '/'))
		return NULL;
	if (!cursor_number(c, &second))
		return "a count is not name=number/number";
	if (call == LM_CALL_MEMALIGN)
		event->counts[LM_CALL_POSIX_MEMALIGN] = second;
	return NULL;
}

static const char *parse_counts(struct cursor *c, struct event *event)
{
	memset(event->counts, 0, sizeof event->counts);
	if (!take_totals(c, event))
		return "the bytes in use [U:R] are missing";
	while (!cursor_at_end(c)) {
		const char *fault = take_count(c, event);

		if (fault)
			return fault;
	}
	return NULL;
}

static const char *parse_event(struct cursor *c, struct record *record)
{
	const char *word;
	size_t len;

	if (!cursor_byte(c, ' ') || !cursor_until(c, ' ', &word, &len))
		return "an event without a name";
	record->kind = RECORD_CALL;
	record->event.call = find_call(word, len);
	if (record->event.call < LM_CALL_COUNT)
		return parse_call(c, &record->event);
	if (is_word(word, len, LM_TRACE_INIT))
		record->kind = RECORD_INIT;
	else if (is_word(word, len, LM_TRACE_FINI))
		record->kind = RECORD_FINI;
	else
		return "an event of an unknown function";
	return parse_counts(c, &record->event);
}

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
	if (module->stamp || is_word(module->build_id, module->build_id_len, "-")) {
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

	clear_event(&record->event);
	if (cursor_until(&c, ' ', &word, &len)) {
		record->event.call = find_call(word, len);
		if (record->event.call < LM_CALL_COUNT && !parse_call(&c, &record->event) &&
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
		if (!is_word(word, len, infos[i].word))
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
		clear_event(&record->event);
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
