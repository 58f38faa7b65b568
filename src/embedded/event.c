/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See event.h. */
#include "event.h"

#include "account.h"
#include "clock.h"
#include "unwind.h"

/* What a frame's line needs: "[0x", sixteen digits, "]" and a newline. */
#define FRAME_LINE (sizeof(uintptr_t) * 2 + 5)

struct lm_totals lm_event_account(int64_t change)
{
	lm_add(&lm_hot.requested, change);
	return (struct lm_totals){lm_hot.requested, 0};
}

static void put_frame(struct lm_text *text, uintptr_t pc)
{
	lm_text_string(text, "[0x");
	lm_text_hex(text, pc);
	lm_text_string(text, "]\n");
}

/* The lowest bit of a guess is set (unwind/chip). It is told again each time, as nothing is kept. */
static void tell_guesses(uintptr_t *pcs, unsigned count)
{
	char line[40];

	for (unsigned i = 0; i < count; i++) {
		struct lm_text text = {line, line + sizeof line};

		if (!(pcs[i] & 1))
			continue;
		pcs[i] &= ~(uintptr_t)1;
		lm_record_guess(&text, pcs[i]);
		lm_output_send_text(line, &text);
	}
}

/* A second or more has gone by since the last such line. There may be no clock. */
static void tell_time(void)
{
	uint32_t ms = (uint32_t)lm_clock_ms();
	/* Nearly seconds, without a division. */
	uint8_t second = (uint8_t)((ms >> 10) + 1);
	char line[32];
	struct lm_text text = {line, line + sizeof line};

	if (likely(!ms || second == lm_output.second))
		return;
	lm_output.second = second;
	lm_record_number(&text, LM_TRACE_TIME, ms);
	lm_output_send_text(line, &text);
}

/*
 * Sends EVENT's line with the COUNT callers at PCS. 0, or -1. Not inlined: tasks have small stacks, and a packed record
 * needs no room for a line.
 */
static __attribute__((noinline)) int send_line(struct lm_event *event, const uintptr_t *pcs, unsigned count)
{
	char line[LM_OUTPUT_LINE + LM_DEPTH * FRAME_LINE];
	struct lm_text text = {line, line + sizeof line};

	event->names_thread = event->thread != LM_THREAD_MAIN;
	event->tells_usable = lm_output_is_packed() && !event->foreign && !event->error && !event->unkept;
	if (lm_output.format != LM_FORMAT_FULL && count == 1) {
		event->backtrace = lm_event_number(pcs[0]);
		if (event->backtrace)
			count = 0;
	}
	lm_record_event(&text, event, NULL);
	for (unsigned i = 0; i < count; i++)
		put_frame(&text, pcs[i]);
	return lm_output_send_text(line, &text);
}

static int send_words(const uint64_t *words, unsigned count)
{
	uint64_t bytes[LM_PACKED_WORDS_MAX];

	for (unsigned i = 0; i < count; i++)
		bytes[i] = lm_packed_bytes(words[i]);
	return lm_output_send(bytes, count * sizeof *bytes);
}

static int send(struct lm_event *event, const uintptr_t *pcs, unsigned count)
{
	uint64_t words[LM_PACKED_WORDS_MAX];
	unsigned used = 0;

	if (lm_output_is_packed() && lm_pack_can(event)) {
		event->backtrace = count == 1 ? lm_event_number(pcs[0]) : 0;
		if (!count || event->backtrace)
			used = lm_pack_event(words, event, event->thread, 0);
	}
	return used ? send_words(words, used) : send_line(event, pcs, count);
}

void lm_event_write(struct lm_event *event, const struct lm_caller *caller)
{
	struct lm_unwound unwound = {.count = 0};
	uintptr_t room[LM_DEPTH];

	tell_time();
	if (caller)
		lm_unwind(NULL, caller, room, LM_DEPTH, &unwound);
	if (LM_DEPTH > 1)
		tell_guesses(room, unwound.count);
	if (send(event, unwound.pcs, unwound.count) != 0)
		lm_output_lose();
}
