/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds in a trace that is being written the moments at which a trigger fired. Looks for these lines alone, which costs
 * much less than to read the trace.
 */
#ifndef LM_FIRED_H
#define LM_FIRED_H

#include "trigger.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A moment at which a trigger fired. NAME: as log-malloc-findleak --until takes it. */
struct fired_moment {
	enum lm_trigger_kind kind;
	char name[64];
};

struct fired {
	int fd;      /* of the trace; the caller's */
	off_t next;  /* what is before is read already */
	char *block; /* NULL between fired_rest() and fired_next() */
	size_t used; /* bytes of BLOCK */
	size_t at;   /* those that were searched */
	uint64_t marks[LM_TRIGGER_KINDS];
};

/* FD: the trace, which is searched from START on. */
void fired_open(struct fired *fired, int fd, off_t start);

/* The next moment. False: there is none so far, or no memory to look. */
bool fired_next(struct fired *fired, struct fired_moment *moment);

/* Frees the memory. fired_next() goes on where it was, by whatever descriptor of the trace FD is then. */
void fired_rest(struct fired *fired);

#endif
