/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See xml.h. */
#include "xml.h"
#include "escape.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *xml_valid(const char *name)
{
	char *shown = escape_printable(name, strlen(name));
	json_t *valid = shown ? json_name(shown, strlen(shown)) : NULL;
	char *text = valid ? strdup(json_string_value(valid)) : NULL;

	json_decref(valid);
	free(shown);
	return text;
}

static const char *entity_of(char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

/* U+FFFE and U+FFFF are valid in UTF-8, but not in XML. */
static int is_no_character(const char *text, size_t len)
{
	return len >= 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0);
}

void xml_print(const char *text, size_t len, FILE *out)
{
	for (size_t i = 0; i < len; i++) {
		const char *entity = entity_of(text[i]);

		if (entity) {
			fputs(entity, out);
		} else if (is_no_character(text + i, len - i)) {
			fprintf(out, "\\357\\277\\%03o", (unsigned char)text[i + 2]);
			i += 2;
		} else {
			putc(text[i], out);
		}
	}
}

int xml_print_name(const char *name, FILE *out)
{
	char *valid = xml_valid(name);

	if (!valid)
		return -ENOMEM;
	xml_print(valid, strlen(valid), out);
	free(valid);
	return 0;
}
