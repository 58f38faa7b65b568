/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See parse_event.h. */
#include "parse_event.h"

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

enum lm_call parse_event_find(const char *word, size_t len)
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

/* The way among WORDS that is called WORD. One that is not known is C's, so that nothing seems wrong. */
static uint8_t find_way(const char *const words[LM_WAY_COUNT], const char *word, size_t len)
{
	for (int way = 0; way < LM_WAY_COUNT; way++)
		if (cursor_word_is(word, len, words[way]))
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
	if (cursor_word_is(word, key, LM_TRACE_BT)) {
		event->has_backtrace = cursor_number(&value, &event->backtrace) && cursor_at_end(&value);
		return event->has_backtrace ? NULL : "the backtrace's number is not a number";
	}
	if (cursor_word_is(word, key, LM_TRACE_BY))
		return take_thread(&value, event);
	if (cursor_word_is(word, key, LM_TRACE_RELEASE))
		event->release = find_way(released, equals + 1, len - key - 1);
	else if (cursor_word_is(word, key, LM_TRACE_ASKED))
		event->asked = find_way(asked, equals + 1, len - key - 1);
	else if (cursor_word_is(word, key, LM_TRACE_UNSEEN))
		event->unseen = cursor_number(&value, &flag) && flag;
	else if (cursor_word_is(word, key, LM_TRACE_UNKEPT))
		event->unkept = cursor_number(&value, &flag) && flag;
	else if (cursor_word_is(word, key, LM_TRACE_USABLE))
		/* The size is not known yet, see conclude_slack(). */
		event->slack = cursor_number(&value, &flag) && flag < INT64_MAX ? (int64_t)flag + 1 : 0;
	else if (cursor_word_is(word, key, LM_TRACE_RELEASED))
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

const char *parse_event_call(struct cursor *c, struct event *event)
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
	call = parse_event_find(name, len);
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

const char *parse_event(struct cursor *c, struct record *record)
{
	const char *word;
	size_t len;

	if (!cursor_byte(c, ' ') || !cursor_until(c, ' ', &word, &len))
		return "an event without a name";
	record->kind = RECORD_CALL;
	record->event.call = parse_event_find(word, len);
	if (record->event.call < LM_CALL_COUNT)
		return parse_event_call(c, &record->event);
	if (cursor_word_is(word, len, LM_TRACE_INIT))
		record->kind = RECORD_INIT;
	else if (cursor_word_is(word, len, LM_TRACE_FINI))
		record->kind = RECORD_FINI;
	else
		return "an event of an unknown function";
	return parse_counts(c, &record->event);
}
