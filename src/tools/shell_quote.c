/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See shell_quote.h. */
#include "shell_quote.h"

#include <stdbool.h>
#include <string.h>

/* Between $' and ', which bash, ksh and zsh know: control characters as octal numbers. */
static void dollar_quote(FILE *to, const char *path)
{
	fputs(path[0] == '-' ? "./$'" : "$'", to);
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c == '\'' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(to, "\\%03o", c);
		else
			fputc(c, to);
	}
	fputc('\'', to);
}

static bool has_control_bytes(const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return true;
	}
	return false;
}

void shell_quote(FILE *to, const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (path[0] != '-' && strspn(path, plain) == strlen(path)) {
		fputs(path, to);
		return;
	}
	if (has_control_bytes(path)) {
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
