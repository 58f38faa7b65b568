/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waits while a process is traced that log-malloc attached to. */
#ifndef LM_ATTACH_WAIT_H
#define LM_ATTACH_WAIT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct attach_wait {
	pid_t pid;
	const char *trace; /* its path */
	bool is_file;      /* a regular one */
	uint64_t for_ms;   /* 0: no limit */
	uint64_t growth;   /* bytes of live blocks in the trace; 0: no limit */
};

enum attach_wait_end {
	ATTACH_WAIT_TIME,
	ATTACH_WAIT_GROWTH,
	ATTACH_WAIT_SIGNAL,
	ATTACH_WAIT_ENDED,
	ATTACH_WAIT_UNTRACED /* the process goes on, and does not write to the trace any more */
};

/* From now on, signals that ask log-malloc to end are noted, and end the waiting. */
void attach_wait_prepare(void);

/* Waits until one of these comes. */
enum attach_wait_end attach_wait(const struct attach_wait *wait);

#endif
