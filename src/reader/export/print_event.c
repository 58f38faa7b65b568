/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See print_event.h. */
#include "print_event.h"
#include "digits.h"

#include <string.h>

static inline char *put_text(char *to, const char *from, const char *end)
{
	memcpy(to, from, (size_t)(end - from));
	return to + (end - from);
}

static inline char *put_pointer(char *to, uint64_t pointer)
{
	return pointer ? digits_hex(stpcpy(to, " 0x"), pointer) : stpcpy(to, " " LM_TRACE_NIL);
}

/* Without the brackets. */
static inline char *put_totals(char *to, const struct event *event)
{
	to = digits_signed(to, event->used);
	*to++ = ':';
	return digits_signed(to, event->usable);
}

static inline char *put_two(char *to, const struct event *event)
{
	to = digits_unsigned(stpcpy(to, " ("), event->args[0]);
	*to++ = ' ';
	to = digits_unsigned(to, event->args[1]);
	*to++ = ')';
	return to;
}

static inline char *put_backtrace(char *to, const struct print_tail *tail)
{
	return tail->has_backtrace ? digits_unsigned(stpcpy(to, " " LM_TRACE_BT "="), tail->backtrace) : to;
}

char *print_event(char *to, const struct event *event, const struct print_tail *tail)
{
	const char *name = parse_call_name(event->call);

	to = stpcpy(to, "+ ");
	to = put_text(to, name, name + strlen(name));
	*to++ = ' ';
	if (parse_is_free(event->call))
		to = digits_unsigned(stpcpy(to, "-"), event->size);
	else
		to = digits_signed(to, event->change);
	if (parse_is_realloc(event->call))
		to = put_pointer(to, event->old);
	to = put_pointer(to, event->pointer);
	if (parse_is_realloc(event->call))
		to = put_two(to, event);
	to = put_totals(stpcpy(to, " ["), event);
	*to++ = ']';
	if (event->call == LM_CALL_CALLOC)
		to = put_two(to, event);
	to = put_backtrace(to, tail);
	if (tail->has_thread)
		to = digits_unsigned(stpcpy(to, " " LM_TRACE_BY "="), tail->thread);
	*to++ = '\n';
	return to;
}

/* Where MARK begins behind AT, or END. */
static const char *find(const char *at, const char *end, const char *mark)
{
	const char *found = memmem(at, (size_t)(end - at), mark, strlen(mark));

	return found ? found : end;
}

/* Behind the mark that begins at AT with a blank. */
static const char *skip_mark(const char *at, const char *end)
{
	return at < end ? find(at + 1, end, " ") : end;
}

/* Copies what stands behind the totals. What a text record of a packed trace says of the totals is not needed. */
static char *put_rest(char *to, const char *at, const char *end, bool is_packed)
{
	const char *usable = is_packed ? find(at, end, " " LM_TRACE_USABLE "=") : end, *behind = skip_mark(usable, end);

	if (find(behind, end, " " LM_TRACE_RELEASED "=") == behind)
		behind = skip_mark(behind, end);
	return put_text(put_text(to, at, usable), behind, end);
}

/* Where the number of a backtrace belongs: in front of the thread and of statm. */
static const char *find_place(const char *at, const char *end)
{
	const char *thread = find(at, end, " " LM_TRACE_BY "=");

	return thread < end ? thread : find(at, end, " #");
}

char *print_event_again(char *to, const char *text, size_t len, const struct event *event,
                        const struct print_tail *tail)
{
	const char *end = text + len, *totals = find(text, end, "[") + 1, *close = find(text, end, "]");
	const char *place = find(close, end, " " LM_TRACE_BT "="), *rest = skip_mark(place, end);

	if (place == end)
		place = rest = find_place(close, end);
	if (event)
		to = put_totals(put_text(to, text, totals), event);
	else
		to = put_text(to, text, close);
	to = put_backtrace(put_rest(to, close, place, event != NULL), tail);
	to = put_rest(to, rest, end, event != NULL);
	*to++ = '\n';
	return to;
}
