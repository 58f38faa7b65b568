/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracker's text: numbers, paths and messages, the names of frames, and what tells a process from its namesakes. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "module.h"
#include "support.h"
#include "symbol.h"
#include "sys.h"
#include "text.h"

/* ---- text ---- */

static const char *text_of(void (*put)(struct lm_text *))
{
	static char buffer[256];
	struct lm_text text = {buffer, buffer + sizeof buffer - 1};

	put(&text);
	*text.at = '\0';
	return buffer;
}

static void put_numbers(struct lm_text *text)
{
	lm_text_signed(text, INT64_MIN);
	lm_text_char(text, ' ');
	lm_text_unsigned(text, UINT64_MAX);
	lm_text_char(text, ' ');
	lm_text_signed(text, 0);
	lm_text_char(text, ' ');
	lm_text_pointer(text, 0);
	lm_text_char(text, ' ');
	lm_text_pointer(text, 0xdeadbeef);
}

static void put_path(struct lm_text *text)
{
	lm_text_path(text, "/a b(c)[d]\\e\n\x7f\xc3\xa4");
}

START_TEST(numbers_and_paths_read_as_the_format_says)
{
	ck_assert_str_eq(text_of(put_numbers), "-9223372036854775808 18446744073709551615 0 (nil) 0xdeadbeef");
	ck_assert_str_eq(text_of(put_path), "/a\\040b\\050c)\\133d]\\134e\\012\x7f\xc3\xa4");
}
END_TEST

/* A chip's (base/small). */
void lm_text_unsigned_small(struct lm_text *text, uint64_t value);

START_TEST(numbers_of_a_chip_are_the_same)
{
	uint64_t value = 0;

	/* Around each power of ten and of two. */
	for (int i = 0; i < 200; i++) {
		char own[32], other[32];
		struct lm_text text = {own, own + sizeof own}, small = {other, other + sizeof other};

		value = i < 100 ? (value * 10 + (uint64_t)i % 3) : (UINT64_C(1) << i % 64) - (i % 2 ? 1 : 0);
		lm_text_unsigned(&text, value);
		lm_text_unsigned_small(&small, value);
		ck_assert_int_eq(text.at - own, small.at - other);
		ck_assert_int_eq(memcmp(own, other, (size_t)(text.at - own)), 0);
	}
}
END_TEST

static void put_shown(struct lm_text *text)
{
	lm_text_shown(text,
	              "a b(\\\n\x1b\x7f|\xc2\x9b|\x9b|\xc3\xa4|\xe2\x82\xac|\xf0\x9f\x98\x80|\xe2\x82|\xe4|\xe4\x9b|"
	              "\xc0\x9b|\xed\xa0\x80|\xc2");
}

START_TEST(control_characters_of_every_kind_are_not_shown)
{
	ck_assert_str_eq(text_of(put_shown),
	                 "a b(\\\\012\\033\\177|\\302\\233|\\233|\xc3\xa4|\xe2\x82\xac|\xf0\x9f\x98\x80|\xe2\\202|\xe4|"
	                 "\xe4\\233|\xc0\\233|\xed\xa0\\200|\xc2");
}
END_TEST

START_TEST(what_is_shown_is_cut_between_characters)
{
	static const char string[] = "\xe2\x82\xac\xc2\x9b\x9b\xc3\xa4";
	static const size_t lengths[] = {0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 11, 11, 11, 11, 15, 15, 17};

	for (size_t room = 0; room < sizeof lengths / sizeof *lengths; room++) {
		char buffer[32];
		struct lm_text text = {buffer, buffer + room};

		lm_text_shown(&text, string);
		ck_assert_uint_eq((size_t)(text.at - buffer), lengths[room]);
	}
}
END_TEST

START_TEST(text_that_does_not_fit_is_cut)
{
	char buffer[8] = "1234567";
	struct lm_text text = {buffer, buffer + 4};

	lm_text_string(&text, "abcdefgh");
	lm_text_unsigned(&text, 12345);
	ck_assert_str_eq(buffer, "abcd567");
}
END_TEST

START_TEST(only_whole_numbers_in_range_are_numbers)
{
	static const char *const wrong[] = {"", " 1", "1 ", "-1", "+1", "0x10", "129", "18446744073709551616", "1e1"};
	uint64_t value;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(lm_text_parse(wrong[i], 128, &value) != 0, "'%s' was taken for a number", wrong[i]);
	ck_assert_int_eq(lm_text_parse("128", 128, &value), 0);
	ck_assert_uint_eq(value, 128);
	ck_assert_int_eq(lm_text_parse("18446744073709551615", UINT64_MAX, &value), 0);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(lm_text_parse("0", 0, &value), 0);
}
END_TEST

/* ---- names ---- */

__attribute__((noinline)) static uintptr_t here(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

START_TEST(static_functions_have_names_without_rdynamic)
{
	uintptr_t pc = here();
	const struct lm_frame *frame = lm_symbol_frame(pc);

	ck_assert_ptr_nonnull(frame);
	ck_assert_msg(memmem(frame->text, frame->length, "(static_functions_have_names_without_rdynamic", 45) != NULL,
	              "%.*s", (int)frame->length, frame->text);
	ck_assert_ptr_eq(lm_symbol_frame(pc), frame);
	ck_assert_int_eq(frame->text[frame->length - 1], '\n');
}
END_TEST

START_TEST(an_address_in_no_object_is_just_that)
{
	const struct lm_frame *frame = lm_symbol_frame(0x10);

	ck_assert_ptr_nonnull(frame);
	ck_assert_int_eq(strncmp(frame->text, "[0x10]\n", frame->length), 0);
}
END_TEST

/* ---- identity.h ---- */

START_TEST(the_start_of_a_process_is_found_whatever_its_name_is)
{
	static const char rest[] = " S 3 4 5 0 -1 4194560 9 10 11 12 13 14 15 16 20 0 1 0 2200 23 24";
	static const char *const names[] = {"7 (a)", "7 ()", "7 (a b)", "7 () S 1 2)", "7 (a) R 9 (9\n9)"};
	uint64_t first = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char text[LM_IDENTITY_STAT_MAX];
		size_t length = (size_t)snprintf(text, sizeof text, "%s%s", names[i], rest), size = 0;
		const char *field = lm_identity_field(text, length, 22, &size);
		uint64_t identity = lm_identity_make(text, length, 1, "boot", 4);

		ck_assert_msg(field && size == 4 && strncmp(field, "2200", 4) == 0, "%s", text);
		ck_assert_uint_ne(identity, 0);
		first = i ? first : identity;
		ck_assert_uint_eq(identity, first);
		/* Each part counts. */
		ck_assert_uint_ne(lm_identity_make(text, length, 2, "boot", 4), first);
		ck_assert_uint_ne(lm_identity_make(text, length, 1, "Boot", 4), first);
		text[field - text] = '3';
		ck_assert_uint_ne(lm_identity_make(text, length, 1, "boot", 4), first);
		/* A text that ends before or in it tells nothing. */
		for (size_t cut = 0; cut <= (size_t)(field - text) + size; cut++)
			ck_assert_uint_eq(lm_identity_make(text, cut, 1, "boot", 4), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");

	ONCE(numbers_and_paths_read_as_the_format_says);
	ONCE(text_that_does_not_fit_is_cut);
	ONCE(only_whole_numbers_in_range_are_numbers);
	ONCE(static_functions_have_names_without_rdynamic);
	ONCE(an_address_in_no_object_is_just_that);
	ONCE(numbers_of_a_chip_are_the_same);
	ONCE(control_characters_of_every_kind_are_not_shown);
	ONCE(what_is_shown_is_cut_between_characters);
	ONCE(the_start_of_a_process_is_found_whatever_its_name_is);
	return run_suite(suite);
}
