/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See pattern.h. */
#include "pattern.h"

#include <string.h>

/*
 * Matches in the way of LeakSanitizer, so that a pattern means the same: each piece
 * between special characters is matched at its first place, without backtracking. '$'
 * ends the pattern.
 */
bool pattern_matches(const char *pattern, const char *text)
{
	bool at_start = pattern[0] == '^', after_star = false;
	const char *end;

	if (!text || !text[0])
		return false;
	end = text + strlen(text);
	pattern += at_start;
	while (*pattern) {
		const char *found;
		size_t len;

		if (*pattern == '*') {
			pattern++;
			at_start = false;
			after_star = true;
			continue;
		}
		if (*pattern == '$')
			return !*text || after_star;
		if (!*text)
			return false;
		len = strcspn(pattern, "*$");
		found = memmem(text, (size_t)(end - text), pattern, len);
		if (!found || (at_start && found != text))
			return false;
		text = found + len;
		pattern += len;
		at_start = after_star = false;
	}
	return true;
}
