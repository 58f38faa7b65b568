/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See output.h. */
#include "output.h"

#include "record.h"

struct lm_output lm_output;

void lm_output_lose(void)
{
	lm_output.lost++;
	lm_output.untold++;
}

/* Bytes of the last record that are in the trace without the others. */
static unsigned part(void)
{
	return lm_output.torn ? lm_output.torn - 1u : 0;
}

/* 0, or -1. */
static int write_all(const void *bytes, size_t size)
{
	size_t taken = lm_output.writer(bytes, size, lm_output.arg);

	if (likely(taken == size))
		return 0;
	if (taken)
		lm_output.torn = ((part() + taken) % 8 + 1) & 15;
	return -1;
}

/* A record is there in part. What follows is to begin on a line of its own, or at a word. */
static int end_torn(void)
{
	static const char zeros[8];

	if (!lm_output_is_packed() ? write_all("\n", 1) != 0 : part() && write_all(zeros, 8 - part()) != 0)
		return -1;
	lm_output.torn = 0;
	return 0;
}

static int tell_lost(void)
{
	char line[32];
	struct lm_text text = {line, line + sizeof line};
	uint32_t untold = lm_output.untold;

	/* It is no event: if it gets lost, the number stays. */
	lm_output.untold = 0;
	lm_record_number(&text, LM_TRACE_LOST, untold);
	if (lm_output_send_text(line, &text) == 0)
		return 0;
	lm_output.untold = untold;
	return -1;
}

int lm_output_send(const void *record, size_t size)
{
	if (unlikely(lm_output.torn) && end_torn() != 0)
		return -1;
	if (unlikely(lm_output.untold) && tell_lost() != 0)
		return -1;
	return write_all(record, size);
}

int lm_output_send_text(char *start, struct lm_text *text)
{
	/* The newline is there. Blanks go in front of it. */
	if (lm_output_is_packed()) {
		text->at--;
		while ((text->at + 1 - start) & 7)
			lm_text_char(text, ' ');
		lm_text_char(text, '\n');
	}
	return lm_output_send(start, (size_t)(text->at - start));
}
