/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See shell_quote.h. */
#include "shell_quote.h"
#include "escape.h"

#include <stdbool.h>
#include <string.h>

/* Between $' and ', which bash, ksh and zsh know: control characters as octal numbers. */
static void dollar_quote(FILE *to, const char *path)
{
	fputs(path[0] == '-' ? "./$'" : "$'", to);
	for (size_t len = strlen(path), n; len; path += n, len -= n) {
		bool control;

		n = escape_character(path, len, &control);
		if (path[0] == '\'' || path[0] == '\\')
			fputc('\\', to);
		if (!control)
			fwrite(path, 1, n, to);
		for (size_t i = 0; control && i < n; i++)
			fprintf(to, "\\%03o", (unsigned char)path[i]);
	}
	fputc('\'', to);
}

static bool has_controls(const char *path)
{
	bool control = false;

	for (size_t len = strlen(path), n; len && !control; path += n, len -= n)
		n = escape_character(path, len, &control);
	return control;
}

void shell_quote(FILE *to, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (path[0] != '-' && strspn(path, plain) == strlen(path)) {
		fputs(path, to);
		return;
	}
	if (has_controls(path)) {
		dollar_quote(to, path);
		return;
	}
	fputs(path[0] == '-' ? "./'" : "'", to);
	for (; *path; path++) {
		if (*path == '\'')
			fputs("'\\''", to);
		else
			fputc(*path, to);
	}
	fputc('\'', to);
}
