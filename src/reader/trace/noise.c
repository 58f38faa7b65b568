/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See noise.h. */
#include "noise.h"
#include "cursor.h"
#include "frame.h"
#include "parse_packed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char header[] = "# " LM_TRACE_PID " ";

void noise_begin(struct trace *trace)
{
	trace->noisy = true;
	/* The short cuts do not look for damage. */
	trace->without_short_cuts = true;
	trace->input.lossy = true;
}

void noise_take_header(struct trace *trace)
{
	if (trace->junk)
		noise_begin(trace);
	trace->junk = false;
}

/* ---- lines ---------------------------------------------------------------------- */

/* Where a record begins behind the first byte of the line; NULL if none does. */
static const char *find_inside(const struct trace *trace)
{
	const char *text = trace->line.text, *end = text + trace->line.len;

	for (const char *at = text + 1; at < end; at++) {
		size_t len = (size_t)(end - at);

		if (*at == '#' && len >= sizeof header && memcmp(at, header, sizeof header - 1) == 0)
			return at;
		if (trace->noisy && (*at == '#' || *at == '+') && packed_is_certain_line(at, len))
			return at;
	}
	return NULL;
}

bool noise_find_record(struct trace *trace)
{
	const char *found = trace->noisy || !trace->records ? find_inside(trace) : NULL;

	if (found)
		input_return(&trace->input, found, trace->line.finished);
	return found;
}

bool noise_has_remains(const struct line *line)
{
	/* Records and frames have addresses. Few messages do. */
	return memmem(line->text, line->len, "0x", 2);
}

/* A piece that was cut out of a trace begins with a part of a line, and with frames. */
static bool is_of_trace(const struct trace *trace)
{
	struct frame frame;

	return trace->line.number == 1 || frame_parse(trace->line.text, trace->line.len, &frame) == 0;
}

void noise_take_line(struct trace *trace)
{
	const struct line *line = &trace->line;
	const char *begin = line->text;
	bool has_record = noise_find_record(trace);
	size_t len = line->len + line->finished;
	struct frame frame;

	if (has_record)
		len = trace->input.pos - (size_t)(begin - trace->input.data);
	if (trace->records && !trace->noisy)
		return;
	/* A frame whose record was damaged. */
	if (trace->noisy && !has_record && frame_parse(line->text, line->len, &frame) == 0)
		return;
	trace->noise += len;
	trace->junk |= has_record || !is_of_trace(trace);
}

/* ---- damaged lines ---------------------------------------------------------------- */

/* Is the text A what is left of B when some bytes are lost? */
static bool is_left_of(const char *a, const char *b)
{
	if (strlen(a) >= strlen(b))
		return false;
	for (; *b && *a; b++)
		a += *a == *b;
	return !*a;
}

static bool is_left_of_number(int64_t a, int64_t b)
{
	char number[2][24];

	snprintf(number[0], sizeof number[0], "%" PRId64, a);
	snprintf(number[1], sizeof number[1], "%" PRId64, b);
	return is_left_of(number[0], number[1]);
}

/* Do the numbers of the request contradict what the call changed? */
static bool contradicts_itself(const struct event *event)
{
	const uint64_t *args = event->args;

	/* A null pointer is the result of a call that failed, and says why; or of a realloc that released its block. */
	if (!event->pointer && !event->error && !parse_is_realloc(event->call))
		return true;
	if (event->failed || event->foreign)
		return false;
	switch (event->call) {
	case LM_CALL_REALLOC:
		return event->change != (int64_t)(args[1] - args[0]);
	case LM_CALL_REALLOCARRAY:
		return event->change != (int64_t)(args[1] - args[0]) || args[1] != args[2] * args[3];
	case LM_CALL_CALLOC:
		return (uint64_t)event->change != args[0] * args[1];
	case LM_CALL_POSIX_MEMALIGN:
		return (uint64_t)event->change != args[1];
	default:
		return false;
	}
}

/*
 * The sum of the sizes in use has to follow from the one in front, unless lines are known to be missing. If it does
 * not, one of the line's own numbers lost a digit, if that is possible; or a whole line is missing.
 */
static bool contradicts_sum(struct noise_doubt *doubt, const struct event *event, bool lines_are_missing)
{
	int64_t change = event->foreign || event->unkept ? 0 : event->change;
	int64_t expected = doubt->used + change, used = event->used;
	bool has_sum = doubt->has_sum;

	doubt->has_sum = true;
	doubt->used = used;
	if (!has_sum || used == expected || lines_are_missing)
		return false;
	if (is_left_of_number(used, expected)) {
		doubt->used = expected;
		return true;
	}
	return is_left_of_number(change, used - (expected - change));
}

void noise_take_sum(struct trace *trace, const struct event *init)
{
	trace->image.doubt.has_sum = true;
	trace->image.doubt.used = init->used;
}

/* The hexadecimal digits that all addresses between both have in front. */
static void common_digits(uint64_t a, uint64_t b, char digits[17])
{
	char other[17];
	size_t i = 0;

	snprintf(digits, 17, "%" PRIx64, a);
	snprintf(other, 17, "%" PRIx64, b);
	while (digits[i] && digits[i] == other[i])
		i++;
	digits[i] = '\0';
}

/* Can DIGITS be those of an address in RANGE, of which LOST were lost? */
static bool is_short_address(const struct noise_range *range, const char *digits, size_t lost)
{
	/* Others are in the same piece of memory. Near 0, addresses have any number of digits. */
	enum { WITHIN = 3, DIGITS_MIN = 7 };
	char common[17], part[17];
	size_t len;

	if (range->digits < DIGITS_MIN)
		return false;
	common_digits(range->low, range->high, common);
	len = strlen(common);
	if (len + WITHIN > range->digits)
		len = range->digits - WITHIN;
	common[len] = '\0';
	for (size_t i = 0; i <= lost && i <= len; i++) {
		snprintf(part, sizeof part, "%.*s", (int)(len - i), digits);
		if (strcmp(part, common) == 0 || (i && is_left_of(part, common)))
			return true;
	}
	return false;
}

static size_t count_digits(uint64_t address)
{
	return address ? (64 - (size_t)__builtin_clzll(address) + 3) / 4 : 0;
}

static void widen(struct noise_range *range, uint64_t address)
{
	size_t digits = count_digits(address);

	if (digits > range->digits) {
		range->digits = digits;
		range->low = range->high = address;
	}
	if (digits < range->digits)
		return;
	if (address < range->low)
		range->low = address;
	if (address > range->high)
		range->high = address;
}

/* Did ADDRESS lose digits, at most LOST? */
static bool doubts_address(struct noise_range *range, uint64_t address, size_t lost)
{
	size_t count = count_digits(address);
	char digits[17];

	if (address && count < range->digits && range->digits - count <= lost) {
		snprintf(digits, sizeof digits, "%" PRIx64, address);
		return is_short_address(range, digits, range->digits - count);
	}
	widen(range, address);
	return false;
}

/* Has a hexadecimal number of the line a 0 in front? No number is written so. */
static bool has_leading_zero(const struct line *line)
{
	const char *at = line->text, *end = at + line->len;

	while ((at = memmem(at, (size_t)(end - at), "0x0", 3))) {
		at += 3;
		if (at < end && cursor_hex_digit(*at) >= 0)
			return true;
	}
	return false;
}

bool noise_doubts_frame(struct trace *trace, const struct line *line)
{
	/* Code can be in flash near 0, and in RAM far from it. */
	enum { CODE_LOST = 3 };
	struct frame frame;

	if (has_leading_zero(line))
		return true;
	return frame_parse(line->text, line->len, &frame) == 0 && frame.has_address &&
	       doubts_address(&trace->image.doubt.code, frame.address, CODE_LOST);
}

void noise_take_address(struct trace *trace, uint64_t address)
{
	widen(&trace->image.doubt.heap, address);
}

bool noise_is_near(const struct trace *trace, uint64_t address)
{
	enum { NEAR = 1 << 20 };
	const struct noise_range *heap = &trace->image.doubt.heap;

	return !heap->digits || (address <= heap->high + NEAR && address + NEAR >= heap->low);
}

/*
 * A backtrace's number that is new, and could be what is left of a known one. A program has few callers, so where bytes
 * are missing anyway, that is more likely.
 */
static bool doubts_number(struct noise_doubt *doubt, uint64_t number, bool is_damaged)
{
	bool doubtful = false;

	for (size_t i = 0; i < doubt->count; i++) {
		if (doubt->numbers[i] == number)
			return false;
		doubtful |= is_left_of_number((int64_t)number, (int64_t)doubt->numbers[i]);
	}
	if (doubt->count < NOISE_NUMBERS)
		doubt->numbers[doubt->count++] = number;
	return doubtful && is_damaged;
}

bool noise_doubts(struct trace *trace, const struct event *event)
{
	enum { ANY = 16 };
	struct noise_doubt *doubt = &trace->image.doubt;
	uint64_t damage = trace->image.lost;
	bool doubtful = contradicts_itself(event) || has_leading_zero(&trace->line) ||
	                doubts_address(&doubt->heap, event->pointer, ANY) ||
	                doubts_address(&doubt->heap, event->old, ANY);

	/* Text records of a packed trace have the sum of a moment nearby. */
	if (trace->section != SECTION_PACKED && contradicts_sum(doubt, event, doubt->damage != damage))
		doubtful = true;
	if (!doubtful && event->has_backtrace)
		doubtful = doubts_number(doubt, event->backtrace, trace->malformed);
	if (!doubtful)
		doubt->damage = damage;
	return doubtful;
}

/* ---- at the end -------------------------------------------------------------------- */

void noise_report(const struct trace *trace)
{
	if (trace->malformed)
		diag_report(trace->diag, trace->input.name, 0,
		            "bytes are missing in %" PRIu64 " damaged record%s, and %" PRIu64
		            " bytes are no part of the trace: left out",
		            trace->malformed, trace->malformed == 1 ? "" : "s", trace->noise);
	else if (trace->noise)
		diag_report(trace->diag, trace->input.name, 0, "%" PRIu64 " bytes are no part of the trace: left out",
		            trace->noise);
}
