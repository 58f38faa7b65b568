/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed records (src/format/packed.h, src/core/trace/pack.h): what is written is read, and what does not fit is
 * refused. */
#include <string.h>

#include "pack.h"
#include "support.h"

#define P(address) ((void *)(uintptr_t)(address))

static uint64_t words[LM_PACKED_WORDS_MAX];

static struct lm_event event_of(enum lm_call call)
{
	return (struct lm_event){.call = call,
	                         .p = P(0x7f12345678),
	                         .old = P(0x7f12345670),
	                         .size = 100,
	                         .usable = 104,
	                         .count = 1,
	                         .each = 100,
	                         .backtrace = 77};
}

static unsigned pack(struct lm_event event)
{
	memset(words, 0, sizeof words);
	return lm_pack_event(words, &event, 12, 0);
}

/* The bytes of a word as they stand in the trace. */
static unsigned char byte(unsigned word, unsigned number)
{
	uint64_t bytes = lm_packed_bytes(words[word]);

	return ((unsigned char *)&bytes)[number];
}

/* Each event has the kind and the number of words that log-malloc2(5) says, and each other word says that it is one. */
START_TEST(the_first_byte_tells_the_kind)
{
	static const struct {
		enum lm_call call;
		unsigned char kind;
		unsigned words;
	} cases[] = {
		{LM_CALL_FREE, 0x80, 1},
		{LM_CALL_MALLOC, 0x83, 2},
		{LM_CALL_CALLOC, 0x85, 2},
		{LM_CALL_REALLOC, 0x88, 3},
	};
	struct lm_event event;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_uint_eq(pack(event_of(cases[i].call)), cases[i].words);
		ck_assert_uint_eq(byte(0, 0), cases[i].kind);
		ck_assert_uint_eq(lm_packed_words(cases[i].kind), cases[i].words);
		for (unsigned word = 1; word < cases[i].words; word++)
			ck_assert_uint_eq(byte(word, 0), 0xff);
	}
	event = event_of(LM_CALL_CALLOC);
	event.count = 4;
	event.each = 25;
	ck_assert_uint_eq(pack(event), 3);
	ck_assert_uint_eq(byte(0, 0), 0x87);
	ck_assert_uint_eq(words[2] >> LM_PACKED_COUNT & LM_PACKED_COUNT_MAX, 4);
	ck_assert_uint_eq(words[2] >> LM_PACKED_EACH, 25);
	event = event_of(LM_CALL_REALLOC);
	event.old = event.p;
	ck_assert_uint_eq(pack(event), 2);
	ck_assert_uint_eq(byte(0, 0), 0x8b);
}
END_TEST

START_TEST(all_that_was_packed_is_read)
{
	ck_assert_uint_eq(pack(event_of(LM_CALL_REALLOC)), 3);
	ck_assert_int_eq(lm_packed_kind(words[0]), LM_PACKED_REALLOC);
	ck_assert_uint_eq(lm_packed_thread(words[0]), 12);
	ck_assert_uint_eq(lm_packed_address(words[0]), 0x7f12345670);
	ck_assert_uint_eq(lm_packed_usable(words[1]), 104);
	ck_assert_uint_eq(lm_packed_size(words[1]), 100);
	ck_assert_uint_eq(lm_packed_trace(words[1]), 77);
	ck_assert_uint_eq(words[2] >> LM_PACKED_NEW, 0x7f12345678);
	words[0] = lm_packed_node(LM_PACKED_NODE_MAX, LM_PACKED_FRAME_MAX);
	ck_assert_uint_eq(words[0], UINT64_C(0xffffffffffffff8c));
	ck_assert_uint_eq(lm_packed_caller(1), 0x1ff);
}
END_TEST

/* At each limit, the greatest number fits and the next one does not. */
START_TEST(what_does_not_fit_is_refused)
{
	struct lm_event event = event_of(LM_CALL_MALLOC);

	event.size = event.usable = LM_PACKED_SIZE_MAX;
	ck_assert_uint_eq(pack(event), 2);
	event.size = ++event.usable;
	ck_assert_uint_eq(pack(event), 0);
	event = event_of(LM_CALL_MALLOC);
	event.usable = event.size + LM_PACKED_SLACK_MAX;
	ck_assert_uint_eq(pack(event), 2);
	event.usable++;
	ck_assert_uint_eq(pack(event), 0);
	/* An allocator that does not tell usable sizes has 0. */
	event.usable = 0;
	ck_assert_uint_eq(pack(event), 2);
	ck_assert_uint_eq(lm_packed_size(words[1]), 100);
	ck_assert_uint_eq(lm_packed_usable(words[1]), 0);
	event.usable = event.size - 1;
	ck_assert_uint_eq(pack(event), 0);
	event = event_of(LM_CALL_MALLOC);
	event.backtrace = LM_PACKED_NODE_MAX;
	ck_assert_uint_eq(pack(event), 2);
	event.backtrace++;
	ck_assert_uint_eq(pack(event), 0);
	event = event_of(LM_CALL_CALLOC);
	event.count = LM_PACKED_COUNT_MAX;
	event.each = 0;
	ck_assert_uint_eq(pack(event), 3);
	event.count++;
	ck_assert_uint_eq(pack(event), 0);
	event.each = event.count--;
	ck_assert_uint_eq(pack(event), 0);
	event = event_of(LM_CALL_FREE);
	ck_assert_uint_eq(lm_pack_event(words, &event, LM_PACKED_THREAD_MAX, 0), 1);
	ck_assert_uint_eq(lm_packed_thread(words[0]), LM_PACKED_THREAD_MAX);
	ck_assert_uint_eq(lm_pack_event(words, &event, LM_PACKED_THREAD_MAX + 1, 0), 0);
	event = event_of(LM_CALL_MEMALIGN);
	ck_assert_uint_eq(pack(event), 0);
}
END_TEST

START_TEST(addresses_are_multiples_of_eight_below_2_to_48)
{
	struct lm_event event = event_of(LM_CALL_FREE);

	event.old = P(0x1004);
	ck_assert_uint_eq(pack(event), 0);
#if UINTPTR_MAX > UINT32_MAX
	event.old = P(UINT64_C(0xfffffffffff8));
	ck_assert_uint_eq(pack(event), 1);
	ck_assert_uint_eq(lm_packed_address(words[0]), UINT64_C(0xfffffffffff8));
	event.old = P(UINT64_C(0x1000000000000));
	ck_assert_uint_eq(pack(event), 0);
	event = event_of(LM_CALL_REALLOC);
	event.p = P(UINT64_C(0x1000000000000));
	ck_assert_uint_eq(pack(event), 0);
#endif
}
END_TEST

/* Everything that a packed record has no place for. */
START_TEST(only_plain_events_are_packed)
{
	struct lm_event event = event_of(LM_CALL_REALLOC);

	ck_assert(lm_pack_can(&event));
#define REFUSES(field)                                                                                                 \
	event = event_of(LM_CALL_REALLOC);                                                                             \
	event.field = 1;                                                                                               \
	ck_assert(!lm_pack_can(&event))
	REFUSES(error);
	REFUSES(foreign);
	REFUSES(busy);
	REFUSES(unseen);
	REFUSES(unkept);
	REFUSES(calling);
	event = event_of(LM_CALL_REALLOC);
	event.p = NULL;
	ck_assert(!lm_pack_can(&event));
}
END_TEST

/* Where the trace may lack the allocation. Of two sizes, a realloc has no room for the one that it released. */
START_TEST(a_release_can_tell_the_size)
{
	struct lm_event event = event_of(LM_CALL_FREE);

	event.old_size = 200;
	event.usable = 216;
	ck_assert_uint_eq(lm_pack_event(words, &event, 12, 1), 2);
	ck_assert_uint_eq(byte(0, 0), 0x8e);
	ck_assert_uint_eq(lm_packed_words(0x8e), 2);
	ck_assert_uint_eq(lm_packed_words(0x8f), 2);
	ck_assert_uint_eq(byte(1, 0), 0xff);
	ck_assert_uint_eq(lm_packed_size(words[1]), 200);
	ck_assert_uint_eq(lm_packed_usable(words[1]), 216);
	ck_assert_uint_eq(lm_packed_trace(words[1]), 0);
	event = event_of(LM_CALL_REALLOC);
	ck_assert_uint_eq(lm_pack_event(words, &event, 12, 1), 0);
	event.old = NULL;
	ck_assert_uint_eq(lm_pack_event(words, &event, 12, 1), 3);
}
END_TEST

START_TEST(no_other_byte_begins_a_record)
{
	unsigned begins = 0;

	for (unsigned first = 0; first < 256; first++)
		begins += lm_packed_words((unsigned char)first) != 0;
	ck_assert_uint_eq(begins, 15);
	ck_assert_uint_eq(lm_packed_words(LM_PACKED_REST), 0);
	ck_assert_uint_eq(lm_packed_words(0x8d), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pack");

	ONCE(the_first_byte_tells_the_kind);
	ONCE(all_that_was_packed_is_read);
	ONCE(what_does_not_fit_is_refused);
	ONCE(addresses_are_multiples_of_eight_below_2_to_48);
	ONCE(only_plain_events_are_packed);
	ONCE(a_release_can_tell_the_size);
	ONCE(no_other_byte_begins_a_record);
	return run_suite(suite);
}
