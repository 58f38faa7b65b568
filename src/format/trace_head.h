/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the first bytes of a file say of a sampled trace. The tracker and the launcher share this, since both put the
 * trace of an earlier run aside. Pure.
 */
#ifndef LM_TRACE_HEAD_H
#define LM_TRACE_HEAD_H

#include <stddef.h>
#include <string.h>

#include "trace_format.h"
#include "trace_name.h"

/* So many bytes are enough: the lines in front of the one that is looked for have two paths among them. */
#define LM_TRACE_HEAD 16384

#define LM_TRACE_ZSTD_MAGIC "\x28\xb5\x2f\xfd"

static inline int lm_trace_head_begins(const char *head, size_t size, const char *text)
{
	const size_t length = strlen(text);

	return size >= length && memcmp(head, text, length) == 0;
}

static inline int lm_trace_head_is_trace(const char *head, size_t size)
{
	return lm_trace_head_begins(head, size, "# " LM_TRACE_PID " ");
}

/* Paths have no newlines in traces. */
static inline int lm_trace_head_is_sampled(const char *head, size_t size)
{
	static const char line[] = "\n# " LM_TRACE_SAMPLE " ";

	if (!lm_trace_head_is_trace(head, size))
		return 0;
	for (size_t i = 0; i + sizeof line - 1 <= size; i++) {
		if (head[i] == '\n' && memcmp(head + i, line, sizeof line - 1) == 0)
			return 1;
	}
	return 0;
}

/* Has the launcher compressed it? TRACE is the name of a trace, of which the file may be an older one. */
static inline int lm_trace_head_is_compressed(const char *head, size_t size, const char *trace)
{
	return lm_trace_head_begins(head, size, LM_TRACE_ZSTD_MAGIC) && lm_trace_stem(trace) < strlen(trace);
}

#endif
