/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See output.h. */
#include "output.h"

#include "record.h"
#include "table.h"
#include "turn.h"

struct lm_output lm_output;

void lm_output_settle(void)
{
	lm_output.is_quick = LM_DEPTH == 1 && lm_output_is_on() && lm_output_is_packed() && !lm_output.is_torn &&
	                     !lm_output.untold && !lm_output.inside && lm_table.entries && lm_port_is_plain();
}

/* A handler that was turned away counts while a task does: interrupts are masked for that. */
void lm_output_lose(void)
{
	uintptr_t state = lm_port_mask();

	lm_output.is_quick = 0;
	lm_output.lost++;
	if (lm_output.untold != UINT16_MAX)
		lm_output.untold++;
	lm_port_unmask(state);
}

/* TAKEN bytes of SIZE were taken. As long as something is taken, the rest is offered. Returns how many were taken. */
static size_t write_rest(const void *bytes, size_t size, size_t taken)
{
	size_t more = taken;

	while (more && taken < size) {
		more = lm_output.writer((const char *)bytes + taken, size - taken, lm_output.arg);
		taken += more;
	}
	return taken;
}

static size_t write_some(const void *bytes, size_t size)
{
	return write_rest(bytes, size, lm_output.writer(bytes, size, lm_output.arg));
}

/*
 * A part of RECORD is in the trace. In a packed one, half a word would be taken for another: its rest is kept, and
 * comes first the next time. Returns how many bytes it has.
 */
static unsigned keep_rest(const char *record, size_t taken)
{
	lm_output.is_torn = 1;
	lm_output.is_quick = 0;
	lm_output.rest = lm_output_is_packed() ? -taken & 7 : 0;
	__builtin_memcpy(lm_output.word, record + taken, lm_output.rest);
	return lm_output.rest;
}

/* What follows is to begin on a line of its own, or with a word. */
static int end_torn(void)
{
	size_t taken;

	if (!lm_output_is_packed()) {
		if (write_some("\n", 1) != 1)
			return -1;
	} else if (lm_output.rest) {
		taken = write_some(lm_output.word, lm_output.rest);
		__builtin_memmove(lm_output.word, lm_output.word + taken, lm_output.rest - taken);
		lm_output.rest = (lm_output.rest - taken) & 7;
		if (lm_output.rest)
			return -1;
	}
	lm_output.is_torn = 0;
	return 0;
}

int lm_output_send_rest(const void *record, size_t size, size_t taken)
{
	taken = write_rest(record, size, taken);
	if (!taken)
		return -1;
	/* Readers see that the record is broken, and count it. */
	if (taken < size && taken + keep_rest(record, taken) < size)
		lm_output.lost++;
	return 0;
}

/* Ends the text from START on as a record, see output.h. Its size. */
static size_t end_record(const char *start, struct lm_text *text)
{
	/* The newline is there. Blanks go in front of it. */
	if (lm_output_is_packed()) {
		text->at--;
		while ((text->at + 1 - start) & 7)
			lm_text_char(text, ' ');
		lm_text_char(text, '\n');
	}
	return (size_t)(text->at - start);
}

static int tell_lost(void)
{
	char line[32];
	struct lm_text text = {line, line + sizeof line};
	const uint32_t lost = lm_output.lost;
	const uint16_t untold = lm_output.untold;
	uintptr_t state;
	size_t size;

	lm_record_number(&text, LM_TRACE_LOST, untold);
	size = end_record(line, &text);
	if (lm_output_send_rest(line, size, lm_output.writer(line, size, lm_output.arg)) != 0)
		return -1;
	/* It is broken, but it is no event. */
	if (lm_output.lost != lost) {
		lm_output.lost = lost;
		return -1;
	}
	state = lm_port_mask();
	lm_output.untold = (uint16_t)(lm_output.untold - untold);
	lm_port_unmask(state);
	return lm_output.is_torn ? end_torn() : 0;
}

int lm_output_send(const void *record, size_t size)
{
	if (lm_output.is_torn && end_torn() != 0)
		return -1;
	if (lm_output.untold && tell_lost() != 0)
		return -1;
	return lm_output_send_rest(record, size, lm_output.writer(record, size, lm_output.arg));
}

int lm_output_send_text(char *start, struct lm_text *text)
{
	return lm_output_send(start, end_record(start, text));
}
