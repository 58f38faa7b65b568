/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Leaks on the paths that are seldom taken: the result of a failed realloc()
 * overwrites the only pointer to the old block, and a function returns early
 * without releasing what it has so far.
 *
 *	cc -g -o leak-03 leak-03.c
 *	log-malloc -o leak-03.trace ./leak-03
 *	log-malloc-findleak leak-03.trace
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
	char *data;
	size_t size;
};

/* When realloc() fails, the old block is still there, and nothing points to it. */
static int grow(struct buffer *buffer, size_t size)
{
	buffer->data = realloc(buffer->data, size);
	buffer->size = buffer->data ? size : 0;
	return buffer->data ? 0 : -1;
}

static void read_request(size_t length)
{
	struct buffer buffer = {NULL, 0};

	if (grow(&buffer, 256) != 0 || grow(&buffer, length) != 0)
		printf("a request of %zu bytes is refused\n", length);
	else
		printf("a request of %zu bytes is read\n", length);
	free(buffer.data);
}

/* The value behind KEY= of TEXT, for the caller to release; NULL if it is not there. */
static char *value_of(const char *text, const char *key)
{
	size_t key_size = strlen(key) + 2;
	char *pattern = malloc(key_size);
	const char *found;
	char *value;

	if (!pattern)
		return NULL;
	snprintf(pattern, key_size, "%s=", key);
	found = strstr(text, pattern);
	if (!found)
		return NULL;
	found += key_size - 1;
	free(pattern);
	value = malloc(strlen(found) + 1);
	return value ? strcpy(value, found) : NULL;
}

int main(void)
{
	static const char *const keys[] = {"colour", "weight", "height", "size"};
	volatile size_t absurd = SIZE_MAX / 4;

	/* The stream's buffer would be a block of its own. */
	setvbuf(stdout, NULL, _IONBF, 0);
	read_request(1024);
	read_request(absurd);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		char *value = value_of("size=42", keys[i]);

		printf("%s: %s\n", keys[i], value ? value : "not given");
		free(value);
	}
	return EXIT_SUCCESS;
}
