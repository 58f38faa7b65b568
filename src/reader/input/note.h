/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracker's note at the file of a trace: what there was no room for in the trace (LM_TRACE_NOTE, trace_format.h).
 */
#ifndef LM_READER_NOTE_H
#define LM_READER_NOTE_H

#include <stdbool.h>
#include <stdint.h>

struct note {
	uint64_t lost; /* events that are missing beside those of "# LOST" lines */
	bool is_least; /* there may be more of these */
	int ended;     /* the errno that ended the trace for good, or 0 */
};

/* Reads FD's note: 0; or -errno, and NOTE says nothing. -ENODATA: there could be one. */
int note_read(struct note *note, int fd);

#endif
