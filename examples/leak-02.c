/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The container goes, what it held stays: an address book releases its
 * entries, but not the names and addresses that the entries own. Two places
 * in the source, several blocks each; the report has an entry for each place.
 *
 *	cc -g -o leak-02 leak-02.c
 *	log-malloc -o leak-02.trace ./leak-02
 *	log-malloc-findleak leak-02.trace
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next;
	char *name;
	char *address;
};

static char *copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *result = malloc(size);

	if (!result)
		exit(EXIT_FAILURE);
	return memcpy(result, text, size);
}

static struct entry *add(struct entry *list, const char *name, const char *host)
{
	struct entry *entry = calloc(1, sizeof *entry);
	char address[64];

	if (!entry)
		exit(EXIT_FAILURE);
	snprintf(address, sizeof address, "%s@%s", name, host);
	entry->name = copy(name);
	entry->address = copy(address);
	entry->next = list;
	return entry;
}

static void print(const struct entry *list)
{
	for (; list; list = list->next)
		printf("%s <%s>\n", list->name, list->address);
}

/* It should call free() for entry->name and entry->address, too. */
static void release(struct entry *list)
{
	while (list) {
		struct entry *next = list->next;

		free(list);
		list = next;
	}
}

int main(void)
{
	static const char *const names[] = {"ada", "grace", "edsger", "barbara"};
	struct entry *book = NULL;

	/* The stream's buffer would be a block of its own. */
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		book = add(book, names[i], "example.org");
	print(book);
	release(book);
	return EXIT_SUCCESS;
}
