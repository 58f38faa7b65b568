/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Triggers as the user writes them: "peak=200M,rss=80%,failed". The tracker reads the text, and the launcher checks it
 * before the program starts. Pure.
 */
#ifndef LM_TRIGGER_H
#define LM_TRIGGER_H

#include <stddef.h>
#include <stdint.h>

/* X(identifier, word). The mark of a trigger is LM_TRIGGER_MARK and the word. */
#define LM_TRIGGERS(X) X(PEAK, "peak") X(GROWTH, "growth") X(RSS, "rss") X(CGROUP, "cgroup") X(FAILED, "failed")

#define LM_TRIGGER_MARK "at-"

enum lm_trigger_kind {
#define ID(id, word) LM_TRIGGER_##id,
	LM_TRIGGERS(ID)
#undef ID
		LM_TRIGGER_KINDS
};

/* More would be looked at with each event. */
#define LM_TRIGGER_MAX 8

/* What is accepted, for messages. */
#define LM_TRIGGER_ACCEPTED                                                                                            \
	"failed, or peak, growth, rss or cgroup with =BYTES (200M) or =PERCENT (80%), at most 8 of them with commas "  \
	"in between"
_Static_assert(LM_TRIGGER_MAX == 8, "the message says how many");

/* A share of more than the whole makes sense for growth alone. */
#define LM_TRIGGER_PERCENT_MAX 100
#define LM_TRIGGER_GROWTH_MAX  10000

/* Two of them can be added. */
#define LM_TRIGGER_BYTES_MAX (UINT64_C(1) << 62)

struct lm_trigger_setting {
	enum lm_trigger_kind kind;
	int is_percent;
	uint64_t amount; /* bytes, or percent; 0 for FAILED */
};

static inline const char *lm_trigger_word(enum lm_trigger_kind kind)
{
#define WORD(id, word)                                                                                                 \
	case LM_TRIGGER_##id:                                                                                          \
		return word;
	switch (kind) {
		LM_TRIGGERS(WORD)
	case LM_TRIGGER_KINDS:
		break;
	}
#undef WORD
	return "";
}

/*
 * So many blocks of a sample have to tell of a peak or of growth, if they are small: fewer may be chance. Their bytes
 * are so many means of the sample.
 */
#define LM_TRIGGER_SAMPLES 25

/* Is there a bound among the COUNT triggers of LIST that fewer blocks would reach, in a sample of that MEAN? */
static inline int lm_trigger_is_low(const struct lm_trigger_setting *list, unsigned count, uint64_t mean)
{
	for (unsigned i = 0; i < count; i++) {
		if ((list[i].kind == LM_TRIGGER_PEAK || list[i].kind == LM_TRIGGER_GROWTH) && !list[i].is_percent &&
		    list[i].amount < LM_TRIGGER_SAMPLES * mean)
			return 1;
	}
	return 0;
}

/* What is told of such a bound; the bytes come in between. */
#define LM_TRIGGER_LOW_BEFORE "of this sample, peak and growth fire at about "
#define LM_TRIGGER_LOW_BEHIND " bytes at the earliest, unless the blocks are large"

/*
 * Where a file is kept for each moment (rotate.h), its name is that of the trace, a dot and this suffix: at-peak,
 * at-peak-2 and so on. The first number that is free is taken.
 */
#define LM_TRIGGER_FILES_MAX 16

static inline void lm_trigger_suffix(char suffix[32], enum lm_trigger_kind kind, unsigned number)
{
	char *at = suffix;

	for (const char *from = LM_TRIGGER_MARK; *from; from++)
		*at++ = *from;
	for (const char *from = lm_trigger_word(kind); *from; from++)
		*at++ = *from;
	if (number > 1)
		*at++ = '-';
	if (number >= 10)
		*at++ = (char)('0' + number / 10 % 10);
	if (number > 1)
		*at++ = (char)('0' + number % 10);
	*at = '\0';
}

/* If TEXT begins with WORD, in letters of any case, what comes behind it; else NULL. */
static inline const char *lm_trigger_behind(const char *text, const char *word)
{
	for (; *word; word++, text++) {
		if ((*text >= 'A' && *text <= 'Z' ? *text + ('a' - 'A') : *text) != *word)
			return NULL;
	}
	return text;
}

/* Reads a number and its unit into SETTING. Returns what comes behind, or NULL. */
static inline const char *lm_trigger_amount(const char *at, struct lm_trigger_setting *setting)
{
	const uint64_t most = setting->kind == LM_TRIGGER_GROWTH ? LM_TRIGGER_GROWTH_MAX : LM_TRIGGER_PERCENT_MAX;
	unsigned shift = 0;
	uint64_t n = 0;

	if (*at < '0' || *at > '9')
		return NULL;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (n > LM_TRIGGER_BYTES_MAX / 10)
			return NULL;
		n = 10 * n + (uint64_t)(*at - '0');
	}
	setting->is_percent = *at == '%';
	shift = *at == 'K' ? 10 : *at == 'M' ? 20 : *at == 'G' ? 30 : 0;
	if (!n || n > LM_TRIGGER_BYTES_MAX >> shift || (setting->is_percent && n > most))
		return NULL;
	setting->amount = n << shift;
	return at + (shift || setting->is_percent);
}

/* One trigger. Returns what comes behind, or NULL. */
static inline const char *lm_trigger_one(const char *at, struct lm_trigger_setting *setting)
{
	for (int kind = 0; kind < LM_TRIGGER_KINDS; kind++) {
		const char *behind = lm_trigger_behind(at, lm_trigger_word((enum lm_trigger_kind)kind));

		if (!behind)
			continue;
		*setting = (struct lm_trigger_setting){.kind = (enum lm_trigger_kind)kind};
		if (kind == LM_TRIGGER_FAILED)
			return behind;
		return *behind == '=' ? lm_trigger_amount(behind + 1, setting) : NULL;
	}
	return NULL;
}

/* Reads TEXT into LIST. Returns how many there are; 0: TEXT is none. */
static inline unsigned lm_trigger_read(const char *text, struct lm_trigger_setting list[LM_TRIGGER_MAX])
{
	unsigned count = 0;

	for (;; text++) {
		if (count == LM_TRIGGER_MAX)
			return 0;
		text = lm_trigger_one(text, &list[count]);
		if (!text || (*text && *text != ','))
			return 0;
		count++;
		if (!*text)
			return count;
	}
}

#endif
