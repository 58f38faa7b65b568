/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The index of suppressions: trying each pattern says what is right. */
#include "pattern.h"
#include "support.h"
#include "suppress_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERNS = 40, PATTERN_SIZE = 16, TEXT_SIZE = 24 };

static uint32_t first_of_all(char patterns[][PATTERN_SIZE], const char *text)
{
	for (uint32_t i = 0; i < PATTERNS; i++)
		if (i % 5 != 4 && pattern_matches(patterns[i], text))
			return i;
	return SUPPRESS_INDEX_NONE;
}

/* Fewer than SIZE bytes, each one of LETTERS. */
static void make_text(char *text, size_t size, const char *letters, unsigned *seed)
{
	size_t len = (size_t)rand_r(seed) % size;

	for (size_t i = 0; i < len; i++)
		text[i] = letters[(size_t)rand_r(seed) % strlen(letters)];
	text[len] = '\0';
}

START_TEST(the_index_finds_the_same_pattern_as_trying_each)
{
	static const char *const letters[] = {"aab*^$", "abc*", "abcdefgh*", "aaaaaaab$*"};
	unsigned seed = (unsigned)_i + 1, found = 0, missed = 0;

	for (int round = 0; round < 300; round++) {
		struct suppress_index index = {0};
		char patterns[PATTERNS][PATTERN_SIZE];

		for (size_t i = 0; i < PATTERNS; i++) {
			make_text(patterns[i], round % 2 ? PATTERN_SIZE : 7, letters[_i], &seed);
			/* An empty pattern or "*" would match every text. */
			if (!patterns[i][strspn(patterns[i], "*^$")])
				snprintf(patterns[i], PATTERN_SIZE, "^z%zu", i);
			/* Every fifth one is left out, but keeps its number. */
			ck_assert_int_eq(suppress_index_add(&index, i % 5 == 4 ? NULL : patterns[i]), 0);
		}
		ck_assert_int_eq(suppress_index_build(&index), 0);
		for (int i = 0; i < 30; i++) {
			char text[TEXT_SIZE];
			uint32_t right;

			make_text(text, TEXT_SIZE, "aabbcdefgh", &seed);
			right = first_of_all(patterns, text);
			ck_assert_uint_eq(suppress_index_find(&index, text), right);
			found += right != SUPPRESS_INDEX_NONE;
			missed += right == SUPPRESS_INDEX_NONE;
		}
		suppress_index_free(&index);
	}
	ck_assert_msg(found > 100 && missed > 100, "%u found, %u not", found, missed);
}
END_TEST

START_TEST(patterns_of_special_characters_alone_are_found)
{
	static const char *const patterns[] = {"", "*", "$", "^", "^$", "**$", "*$a", "^*"};

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
		struct suppress_index index = {0};

		ck_assert_int_eq(suppress_index_add(&index, patterns[i]), 0);
		ck_assert_int_eq(suppress_index_build(&index), 0);
		ck_assert_msg((suppress_index_find(&index, "text") == 0) == pattern_matches(patterns[i], "text"), "%s",
		              patterns[i]);
		ck_assert_uint_eq(suppress_index_find(&index, ""), SUPPRESS_INDEX_NONE);
		ck_assert_uint_eq(suppress_index_find(&index, NULL), SUPPRESS_INDEX_NONE);
		suppress_index_free(&index);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suppress");

	TIMES(the_index_finds_the_same_pattern_as_trying_each, 4);
	ONCE(patterns_of_special_characters_alone_are_found);
	return run_suite(suite);
}
