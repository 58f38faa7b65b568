/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See fired.h. The tracker writes the line of a trigger and its mark as one record, the mark directly behind. */
#include "fired.h"
#include "trace_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char mark[] = "# " LM_TRACE_MARK " " LM_TRIGGER_MARK;
static const char trigger[] = "# " LM_TRACE_TRIGGER " ";
static const char init[] = "+ " LM_TRACE_INIT;

enum {
	BLOCK = 1 << 18,
	/* What is kept of the block before: a line of a trigger in front of its mark is not longer. */
	KEPT = 128,
};

void fired_open(struct fired *fired, int fd, off_t start)
{
	*fired = (struct fired){.fd = fd, .next = start};
}

/* How much of the block is needed still. */
static size_t kept_from(const struct fired *fired)
{
	return fired->at > KEPT ? fired->at - KEPT : 0;
}

void fired_rest(struct fired *fired)
{
	const size_t from = kept_from(fired);

	if (!fired->block)
		return;
	free(fired->block);
	fired->block = NULL;
	fired->next -= (off_t)(fired->used - from);
	fired->at -= from;
	fired->used = 0;
}

/* Reads on behind what was searched. False: there is nothing new. */
static bool fill(struct fired *fired)
{
	const size_t from = kept_from(fired);
	ssize_t n;

	memmove(fired->block, fired->block + from, fired->used - from);
	fired->used -= from;
	fired->at -= from;
	do
		n = pread(fired->fd, fired->block + fired->used, BLOCK - fired->used, fired->next);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	fired->used += (size_t)n;
	fired->next += n;
	return true;
}

/* Where TEXT begins in what was not searched yet; or NULL. */
static const char *find(const struct fired *fired, const char *text)
{
	return memmem(fired->block + fired->at, fired->used - fired->at, text, strlen(text));
}

/* The line that ends in front of AT is a trigger's of KIND. */
static bool is_trigger(const struct fired *fired, const char *at, enum lm_trigger_kind kind)
{
	const char *word = lm_trigger_word(kind), *line;
	const size_t length = strlen(word);

	if (at == fired->block || at[-1] != '\n')
		return false;
	line = memrchr(fired->block, '\n', (size_t)(at - 1 - fired->block));
	line = line ? line + 1 : fired->block;
	return (size_t)(at - line) > sizeof trigger + length && memcmp(line, trigger, sizeof trigger - 1) == 0 &&
	       memcmp(line + sizeof trigger - 1, word, length) == 0 && line[sizeof trigger - 1 + length] == ' ';
}

/* Blanks in front of the end fill up lines of a packed trace. */
static bool is_end(const char *at, const char *end)
{
	while (at < end && *at == ' ')
		at++;
	return at == end;
}

/*
 * The mark whose line is at AT and ends in front of END is one more of its name. True if a trigger wrote it: then
 * MOMENT tells of it.
 */
static bool take(struct fired *fired, const char *at, const char *end, struct fired_moment *moment)
{
	const char *word = at + sizeof mark - 1;

	for (int i = 0; i < LM_TRIGGER_KINDS; i++) {
		const char *name = lm_trigger_word((enum lm_trigger_kind)i);
		const size_t length = strlen(name);

		if ((size_t)(end - word) < length || memcmp(word, name, length) != 0 || !is_end(word + length, end))
			continue;
		fired->marks[i]++;
		moment->kind = (enum lm_trigger_kind)i;
		if (fired->marks[i] == 1)
			snprintf(moment->name, sizeof moment->name, LM_TRIGGER_MARK "%s", name);
		else
			snprintf(moment->name, sizeof moment->name, LM_TRIGGER_MARK "%s#%" PRIu64, name,
			         fired->marks[i]);
		return is_trigger(fired, at, (enum lm_trigger_kind)i);
	}
	return false;
}

/* Searches the block. What may be the beginning of a line that is not read whole is left. */
static bool search(struct fired *fired, struct fired_moment *moment)
{
	const char *const end = fired->block + fired->used;
	const size_t tail = fired->used > KEPT ? fired->used - KEPT : 0;
	const char *at, *line_end, *begun;

	while ((at = find(fired, mark))) {
		/* Each image counts its marks anew. */
		begun = find(fired, init);
		if (begun && begun < at)
			memset(fired->marks, 0, sizeof fired->marks);
		fired->at = (size_t)(at - fired->block);
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (!line_end)
			return false;
		fired->at = (size_t)(line_end - fired->block);
		if (take(fired, at, line_end, moment))
			return true;
	}
	if (find(fired, init))
		memset(fired->marks, 0, sizeof fired->marks);
	fired->at = tail > fired->at ? tail : fired->at;
	return false;
}

/* Reads again what was read behind the place where the search goes on, and on. False without memory. */
static bool begin(struct fired *fired)
{
	const size_t at = fired->at;

	fired->block = malloc(BLOCK);
	if (!fired->block)
		return false;
	fired->at = 0;
	fill(fired);
	/* Somebody may have made the file shorter. */
	fired->at = at < fired->used ? at : fired->used;
	return true;
}

bool fired_next(struct fired *fired, struct fired_moment *moment)
{
	if (!fired->block && !begin(fired))
		return false;
	do {
		if (search(fired, moment))
			return true;
	} while (fill(fired));
	return false;
}
