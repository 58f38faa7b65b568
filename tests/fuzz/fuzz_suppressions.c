/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of suppressions, and its patterns against a name: the first line of the input. */
#include "fuzz.h"
#include "pattern.h"
#include "suppress.h"

#include <errno.h>
#include <stdbool.h>

/* What can be said of a pattern without going through it as the matcher does. */
static void judge(const char *pattern, const char *name)
{
	bool matches = pattern_matches(pattern, name);

	if (!name[0])
		fuzz_assert(!matches);
	else if (!pattern[0])
		fuzz_assert(matches);
	else if (!pattern[strcspn(pattern, "^*$")])
		fuzz_assert(matches == (strstr(name, pattern) != NULL));
	else if (pattern[0] == '^' && !pattern[1 + strcspn(pattern + 1, "*$")])
		fuzz_assert(matches == (strncmp(name, pattern + 1, strlen(pattern + 1)) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *newline = len ? memchr(data, '\n', len) : NULL;
	size_t name_len = newline ? (size_t)(newline - data) : 0;
	char *name = strndup((const char *)data, name_len);
	char *text = fuzz_copy(data + name_len, len - name_len);
	struct suppressions suppressions = {0};
	int error = suppressions_parse(&suppressions, text, len - name_len, "fuzz", NULL);

	fuzz_assert(name && (error == 0 || error == -EINVAL));
	for (size_t i = 0; i < suppressions.count; i++)
		judge(suppressions.list[i].pattern, name);
	suppressions_free(&suppressions);
	free(text);
	free(name);
	return 0;
}
