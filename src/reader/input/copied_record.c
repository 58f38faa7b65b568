/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See copied_record.h. */
#include "copied_record.h"

#include <string.h>

/* Takes digits at *TEXT, at least one. */
static bool pass_number(const char **text, const char *end)
{
	const char *from = *text;

	while (*text < end && **text >= '0' && **text <= '9')
		++*text;
	return *text > from;
}

/* Is there exactly one bracket in the line from TEXT to END, and is it "[U:R]"? */
static bool has_totals(const char *text, const char *end)
{
	const char *at = memchr(text, '[', (size_t)(end - text));

	if (!at)
		return false;
	at++;
	if (!pass_number(&at, end) || at == end || *at++ != ':' || !pass_number(&at, end))
		return false;
	return at < end && *at == ']' && !memchr(at, '[', (size_t)(end - at));
}

/* Does the line from TEXT to END end with "[0x...]", as a frame does? */
static bool is_frame(const char *text, const char *end)
{
	const char *at = memrchr(text, '[', (size_t)(end - text));

	return at && end - at > 4 && end[-1] == ']' && at[1] == '0' && at[2] == 'x';
}

static bool are_frames(const char *text, const char *end)
{
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		if (!newline || !is_frame(text, newline))
			return false;
		text = newline + 1;
	}
	return true;
}

bool copied_are_rests(const char *words, size_t begin, size_t len)
{
	for (size_t at = begin; at < len; at += LM_PACKED_WORD)
		if ((unsigned char)words[at] != LM_PACKED_REST)
			return false;
	return true;
}

bool copied_is_record(const char *text, size_t len, bool in_line)
{
	const char *end = text + len, *newline = memchr(text, '\n', len);
	const bool begins = !in_line && copied_begins_line((unsigned char)*text);

	if (!newline || end[-1] != '\n' || memchr(text, 0, len))
		return false;
	if (begins && *text == '#')
		return true;
	if (begins && !has_totals(text, newline))
		return false;
	return are_frames(begins || in_line ? newline + 1 : text, end);
}

void copied_fill_gap(char *to, size_t len, bool is_packed)
{
	if (!is_packed) {
		memset(to, ' ', len);
		*to = '#';
		to[len - 1] = '\n';
		return;
	}
	memset(to, 0, len);
	for (size_t at = 0; at < len; at += LM_PACKED_WORD)
		to[at] = (char)LM_PACKED_REST;
}
