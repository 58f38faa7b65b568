/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See title.h. */
#include "title.h"

#include "atomic.h"
#include "identity.h"
#include "self.h"
#include "sys.h"

#define INTERVAL_MS 1000

static struct {
	uintptr_t start, end, limit; /* of the command line in memory; 0: not known */
	uint64_t next_ms;
	uint64_t own;   /* a hash of the command line that the image was given */
	uint64_t known; /* the same of the last title */
} title;

/*
 * Copies the title; "" if it can't be read. The kernel shows it in the same way: if the last byte of the command line
 * is not its NUL any more, the title is one string, which may extend over the environment.
 */
static void copy(char to[LM_TRACE_TITLE_MAX + 1])
{
	const volatile char *from = (const volatile char *)title.start;
	size_t room, length = 0;
	int is_one;

	to[0] = '\0';
	/* The program may have unmapped the memory. What is copied lies in two pages at most. */
	if (!lm_sys_readable(title.start) || !lm_sys_readable(title.end - 1) ||
	    !lm_sys_readable(title.limit - title.start < LM_TRACE_TITLE_MAX ? title.limit - 1
	                                                                    : title.start + LM_TRACE_TITLE_MAX - 1))
		return;
	is_one = *(const volatile char *)(title.end - 1) != '\0';
	room = (is_one ? title.limit : title.end) - title.start;
	for (size_t i = 0; i < room && i < LM_TRACE_TITLE_MAX && !(is_one && !from[i]); i++) {
		to[i] = from[i] ? from[i] : ' ';
		if (to[i] != ' ')
			length = i + 1;
	}
	to[length] = '\0';
}

static uint64_t hash_of(const char *text)
{
	return lm_identity_mix(UINT64_C(0xcbf29ce484222325), text, __builtin_strlen(text));
}

void lm_title_begin(int is_forked)
{
	char now[LM_TRACE_TITLE_MAX + 1];

	if (!is_forked) {
		title.start = 0;
		if (lm_self_arguments(&title.start, &title.end, &title.limit) != 0)
			title.start = 0;
		if (title.start) {
			copy(now);
			title.own = hash_of(now);
		}
	}
	lm_store(&title.known, title.own);
	lm_store(&title.next_ms, 0);
}

int lm_title_is_due(uint64_t ms)
{
	return ms >= lm_load(&title.next_ms);
}

int lm_title_take(uint64_t ms, char to[LM_TRACE_TITLE_MAX + 1])
{
	uint64_t hash;

	lm_store(&title.next_ms, ms + INTERVAL_MS);
	if (!title.start)
		return 0;
	copy(to);
	hash = hash_of(to);
	return *to && lm_exchange(&title.known, hash) != hash;
}
