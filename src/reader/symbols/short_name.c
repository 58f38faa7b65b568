/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See short_name.h. */
#include "short_name.h"

#include <stdbool.h>
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

static bool opens(char c)
{
	return c == '(' || c == '<';
}

/* Is *AT a bracket that closes, and no part of "->"? */
static bool closes(const char *at)
{
	return *at == ')' || (*at == '>' && at[-1] != '-');
}

/*
 * Rust: "<module::Type<T> as Trait>::method" becomes "<Type>::method", of which this
 * is the part in brackets. *FROM and *TO are at its beginning, and are moved behind it.
 */
static void shorten_type(const char **from, char **to)
{
	char *type = *to + 1;
	bool trait = false;
	unsigned depth = 1;

	*to = type;
	for (++*from; **from; ++*from) {
		if (closes(*from) && --depth == 0)
			break;
		trait |= depth == 1 && (strncmp(*from, " as ", 4) == 0 || strncmp(*from, " + ", 3) == 0);
		if (depth == 1 && !trait && !closes(*from) && !opens(**from))
			*(*to)++ = **from;
		if (depth == 1 && !trait && *to - type >= 2 && strncmp(*to - 2, "::", 2) == 0)
			*to = type;
		depth += opens(**from);
	}
	type[-1] = '<';
}

void short_name(char *name)
{
	const char *from = name;
	unsigned depth = 0;
	char *to = name;

	if (strlen(name) <= SHORT_NAME_ENOUGH)
		return;
	if (*from == '<')
		shorten_type(&from, &to);
	while (*from) {
		size_t literal = depth ? 0 : literal_length(from);

		if (literal) {
			memmove(to, from, literal);
			to += literal;
			from += literal;
			continue;
		}
		if (depth && closes(from))
			depth--;
		if (!depth)
			*to++ = *from;
		depth += opens(*from);
		from++;
	}
	*to = '\0';
}
