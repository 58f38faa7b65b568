/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See short_name.h. */
#include "short_name.h"

#include <stddef.h>
#include <string.h>

/*
 * The length of a part at the front of NAME that is kept though it has brackets:
 * "operator<<", "operator()", "(anonymous namespace)". 0 if there is none.
 */
static size_t literal_length(const char *name)
{
	static const char call[] = "operator", anonymous[] = "(anonymous namespace)";
	size_t len = strlen(call);

	if (strncmp(name, anonymous, strlen(anonymous)) == 0)
		return strlen(anonymous);
	if (strncmp(name, call, len) != 0)
		return 0;
	return strncmp(name + len, "()", 2) == 0 ? len + 2 : len + strspn(name + len, "<>=-");
}

void short_name(char *name)
{
	const char *from = name;
	unsigned depth = 0;
	char *to = name;

	if (strlen(name) <= SHORT_NAME_ENOUGH)
		return;
	while (*from) {
		size_t literal = depth ? 0 : literal_length(from);

		if (literal) {
			memmove(to, from, literal);
			to += literal;
			from += literal;
			continue;
		}
		if (depth && (*from == ')' || (*from == '>' && from[-1] != '-')))
			depth--;
		if (!depth)
			*to++ = *from;
		if (*from == '(' || *from == '<')
			depth++;
		from++;
	}
	*to = '\0';
}
