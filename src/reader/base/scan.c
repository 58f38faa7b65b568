/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See scan.h. */
#include "scan.h"
#include "hash.h"
#include "words.h"

#include <string.h>

/* The width of the smallest vector registers that are common. */
enum { LANES = 16, STRIDE = 2 * LANES };

/* Each byte of a mask is 0 or 0xff. */
typedef unsigned char vector __attribute__((vector_size(LANES)));

struct stride {
	vector first, second;
};

static vector load(const char *text)
{
	vector v;

	memcpy(&v, text, sizeof v);
	return v;
}

static struct stride load_stride(const char *text)
{
	return (struct stride){load(text), load(text + LANES)};
}

static vector all(unsigned char byte)
{
	return (vector){byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte};
}

static bool any(vector mask)
{
	uint64_t words[2];

	memcpy(words, &mask, sizeof words);
	return words[0] | words[1];
}

/* The index of the first byte that is set. The mask has to have one. */
static size_t first_place(vector mask)
{
	uint64_t words[2];

	memcpy(words, &mask, sizeof words);
	if (words[0])
		return (size_t)__builtin_ctzll(le64toh(words[0])) / 8;
	return WORD_BYTES + (size_t)__builtin_ctzll(le64toh(words[1])) / 8;
}

/* The number of bytes that are set. */
static size_t ones(vector mask)
{
	uint64_t words[2];

	memcpy(words, &mask, sizeof words);
	/* Each byte of the sum is 2 at most. The multiplication adds all bytes up in the highest one. */
	return ((words[0] & WORD_ALL(1)) + (words[1] & WORD_ALL(1))) * WORD_ALL(1) >> (WORD_BITS - 8);
}

size_t scan_line(const char *text, size_t len)
{
	size_t at = 0;

	for (; len - at >= LANES; at += LANES) {
		vector v = load(text + at), stop = (vector)(v == all('\n')) | (vector)(v == all(0));

		if (any(stop))
			return at + first_place(stop);
	}
	while (at < len && text[at] != '\n' && text[at] != '\0')
		at++;
	return at;
}

size_t scan_count_lines(const char *text, size_t len)
{
	size_t count = 0, at = 0;

	for (; len - at >= LANES; at += LANES)
		count += ones((vector)(load(text + at) == all('\n')));
	for (; at < len; at++)
		count += text[at] == '\n';
	return count;
}

/*
 * Marks each byte of V that is a NUL, or a newline with a record behind it. BEHIND
 * is the text of V moved by one byte, so that it shows what follows each newline.
 */
static vector ends(vector v, vector behind)
{
	/* '#' and '+' differ in this one bit. */
	_Static_assert(('#' | 0x08) == '+', "the first bytes of records");
	vector record = (vector)((behind | all(0x08)) == all('+'));

	return ((vector)(v == all('\n')) & record) | (vector)(v == all(0));
}

/* Four independent hashes: each step of a single hash would have to wait for the step before. */
struct lanes {
	uint64_t a, b, c, d;
};

static inline uint64_t step(uint64_t hash, const char *text)
{
	return ((hash << 29 | hash >> 35) ^ word_load(text)) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline void add(struct lanes *lanes, const char *text)
{
	_Static_assert(STRIDE == 4 * WORD_BYTES, "a word for each hash");

	lanes->a = step(lanes->a, text);
	lanes->b = step(lanes->b, text + WORD_BYTES);
	lanes->c = step(lanes->c, text + 2 * WORD_BYTES);
	lanes->d = step(lanes->d, text + 3 * WORD_BYTES);
}

static uint64_t finish(const struct lanes *lanes, size_t len)
{
	return hash_mix(hash_mix(hash_mix(lanes->a ^ len) ^ lanes->b) ^ hash_mix(lanes->c + len) ^ lanes->d);
}

/*
 * Adds the last bytes of a block of LEN bytes. A block of at least one stride is
 * read as a whole stride up to its end, so some bytes are added twice.
 */
static void add_rest(struct lanes *lanes, const char *text, size_t len)
{
	char padded[STRIDE] = {0};

	if (len >= STRIDE) {
		add(lanes, text + len - STRIDE);
		return;
	}
	memcpy(padded, text, len);
	add(lanes, padded);
}

bool scan_block(const char *text, size_t len, struct scan_block *block)
{
	struct lanes lanes = {1, 2, 3, 4};

	for (size_t at = 0; len - at > STRIDE; at += STRIDE) {
		struct stride here = load_stride(text + at), behind = load_stride(text + at + 1);
		vector first = ends(here.first, behind.first), second = ends(here.second, behind.second);

		if (any(first | second)) {
			size_t place = any(first) ? first_place(first) : LANES + first_place(second);

			if (text[at + place] == '\0')
				return false;
			block->len = at + place + 1;
			add_rest(&lanes, text, block->len);
			block->hash = finish(&lanes, block->len);
			return true;
		}
		add(&lanes, text + at);
	}
	return false;
}
