/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See parse_common.h. */
#include "parse_common.h"

#include "words.h"

#include <string.h>

static inline __attribute__((always_inline)) bool pass(const char **at, const char *literal)
{
	bool same = memcmp(*at, literal, strlen(literal)) == 0;

	*at += strlen(literal);
	return same;
}

/* Takes a decimal number of at most fifteen digits. */
static inline __attribute__((always_inline)) bool pass_number(const char **at, uint64_t *number)
{
	static const uint32_t powers[WORD_BYTES] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
	uint64_t word = word_load(*at);
	unsigned bits = word_decimal_bits(word);

	*number = word_decimal(word, bits);
	*at += bits / 8;
	if (bits < WORD_BITS)
		return bits;
	word = word_load(*at);
	bits = word_decimal_bits(word);
	*at += bits / 8;
	if (bits == 0 || bits == WORD_BITS)
		return bits == 0;
	*number = *number * powers[bits / 8] + word_decimal(word, bits);
	return true;
}

/*
 * Takes a hexadecimal number of at most sixteen digits. Nearly all addresses of 64-bit
 * programs have twelve. Guessing that saves waiting until the end is known.
 */
static inline __attribute__((always_inline)) bool pass_hex(const char **at, uint64_t *number)
{
	uint64_t word = word_load(*at), last = word_load(*at + 4);
	unsigned bits = word_hex_bits(word);

	if ((*at)[12] == ' ' && bits == WORD_BITS && word_hex_bits(last) == WORD_BITS) {
		*number = word_hex(word, WORD_BITS) << 16 | (word_hex(last, WORD_BITS) & 0xffff);
		*at += 12;
		return true;
	}
	*number = word_hex(word, bits);
	*at += bits / 8;
	if (bits < WORD_BITS)
		return bits;
	word = word_load(*at);
	bits = word_hex_bits(word);
	*at += bits / 8;
	if (bits)
		*number = *number << bits / 2 | word_hex(word, bits);
	return true;
}

/* Takes " [U:R]". */
static inline __attribute__((always_inline)) bool pass_totals(const char **at, struct event *event)
{
	uint64_t used, usable;

	if (!pass(at, " [") || !pass_number(at, &used) || !pass(at, ":") || !pass_number(at, &usable) || !pass(at, "]"))
		return false;
	event->used = (int64_t)used;
	event->usable = (int64_t)usable;
	return true;
}

/* Takes " thread=N". */
static inline __attribute__((always_inline)) bool pass_thread(const char **at, struct event *event)
{
	uint64_t number;

	if (!pass(at, " " LM_TRACE_BY "=") || !pass_number(at, &number) || number > UINT32_MAX)
		return false;
	event->has_thread = true;
	event->thread = (uint32_t)number;
	return true;
}

/*
 * Takes the end of the line that begins at TEXT: the number of a backtrace and that of a
 * thread, if there are any, and the newline. Returns the line's length, or 0. A null
 * pointer means that the call failed, which is not a common line.
 */
static inline __attribute__((always_inline)) size_t pass_end(const char *text, const char *at, struct event *event)
{
	static const char number[] = " " LM_TRACE_BT "=";

	event->backtrace = 0;
	if (memcmp(at, number, sizeof number - 1) == 0) {
		at += sizeof number - 1;
		event->has_backtrace = true;
		if (!pass_number(&at, &event->backtrace))
			return 0;
	}
	if (*at == ' ' && !pass_thread(&at, event))
		return 0;
	return *at == '\n' && event->pointer ? (size_t)(at + 1 - text) : 0;
}

/* Takes " (N N)". */
static inline __attribute__((always_inline)) bool pass_two(const char **at, struct event *event)
{
	event->arg_count = 2;
	return pass(at, " (") && pass_number(at, &event->args[0]) && pass(at, " ") &&
	       pass_number(at, &event->args[1]) && pass(at, ")");
}

/* Clears the fields that not all calls have. */
static inline __attribute__((always_inline)) void clear_rest(struct event *event)
{
	event->old = 0;
	event->slack = event->old_slack = 0;
	event->arg_count = event->error = 0;
	event->failed = event->foreign = event->busy = event->unseen = event->unkept = false;
	event->has_backtrace = event->has_thread = event->has_statm = false;
	event->without_totals = event->without_sizes = false;
	memset(event->args, 0, sizeof event->args);
}

/* "+ realloc CHANGE OLD NEW (OLDSIZE NEWSIZE) [U:R]" */
static __attribute__((noinline)) size_t parse_realloc(const char *text, struct event *event)
{
	const char *at = text + strlen("+ realloc ");
	bool negative = *at == '-';
	uint64_t change;

	at += negative;
	clear_rest(event);
	event->call = LM_CALL_REALLOC;
	if (!pass_number(&at, &change) || !pass(&at, " "))
		return 0;
	event->change = negative ? -(int64_t)change : (int64_t)change;
	if (*at == '(' ? !pass(&at, LM_TRACE_NIL) : !pass(&at, "0x") || !pass_hex(&at, &event->old))
		return 0;
	if (!pass(&at, " 0x") || !pass_hex(&at, &event->pointer) || !pass_two(&at, event) || !pass_totals(&at, event))
		return 0;
	event->size = event->args[1];
	return pass_end(text, at, event);
}

/* "+ calloc TOTAL PTR [U:R] (NMEMB SIZE)" */
static __attribute__((noinline)) size_t parse_calloc(const char *text, struct event *event)
{
	const char *at = text + strlen("+ calloc ");

	clear_rest(event);
	event->call = LM_CALL_CALLOC;
	if (!pass_number(&at, &event->size) || !pass(&at, " 0x") || !pass_hex(&at, &event->pointer) ||
	    !pass_totals(&at, event) || !pass_two(&at, event))
		return 0;
	event->change = (int64_t)event->size;
	return pass_end(text, at, event);
}

size_t parse_common(const char *text, struct event *event)
{
	/* There is no branch on malloc or free, because a processor can't predict it. */
	uint64_t name = word_load(text);
	bool allocates = (name == word_load("+ malloc")) & (text[WORD_BYTES] == ' ');
	bool releases = name == word_load("+ free -");
	const char *at = text + WORD_BYTES + allocates;

	if ((allocates | releases) == 0) {
		if (name == word_load("+ reallo") && text[8] == 'c' && text[9] == ' ')
			return parse_realloc(text, event);
		if (name == word_load("+ calloc") && text[8] == ' ')
			return parse_calloc(text, event);
		return 0;
	}
	clear_rest(event);
	if (!pass_number(&at, &event->size) || !pass(&at, " 0x") || !pass_hex(&at, &event->pointer) ||
	    !pass_totals(&at, event))
		return 0;
	event->call = allocates ? LM_CALL_MALLOC : LM_CALL_FREE;
	event->change = allocates ? (int64_t)event->size : -(int64_t)event->size;
	return pass_end(text, at, event);
}
