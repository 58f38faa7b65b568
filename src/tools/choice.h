/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which events of a trace the user asked for. Each kind of condition is one that an event has to meet. */
#ifndef LM_CHOICE_H
#define LM_CHOICE_H

#include "resolve.h"
#include "trace.h"
#include "window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choice {
	const struct window *window; /* set by the caller */
	bool has_from, has_to;
	uint64_t from, to; /* in ms since INIT */
	bool has_address;
	uint64_t address;
	uint64_t calls; /* a bit for each enum lm_call; 0: all */
	struct choice_names {
		const char **list; /* a choice of zeros is valid and takes all */
		size_t count, room;
	} patterns, threads; /* of functions; numbers, kernel's numbers or names of threads */
	/* What is known of the frames and backtraces of the present image, by their numbers. */
	struct choice_verdicts {
		unsigned char *list;
		size_t count;
	} frames, stacks;
};

/* Are there any conditions? */
bool choice_is_made(const struct choice *choice);

/* Are there conditions that can tell apart the call that allocated a block and the one that released it? */
bool choice_is_of_calls(const struct choice *choice);

/* Adds the functions in a list with commas: an event of one of them is taken. Other names are usage errors. */
void choice_add_calls(struct choice *choice, const char *list);

/* Adds one of CHOICE's patterns or threads: an event that has one of them is taken. NAME has to stay. */
void choice_add_name(struct choice_names *names, const char *name);

/* Is the moment at which IMAGE is read one that the user asked for? */
bool choice_takes_moment(const struct choice *choice, const struct trace_image *image);

/* Sets *TAKEN. ITEM is a call of TRACE, or is about to be one. 0 or -ENOMEM. */
int choice_takes(struct choice *choice, const struct resolver *resolver, const struct trace *trace,
                 const struct trace_item *item, bool *taken);

/* To be called behind the end of an image. */
void choice_next_image(struct choice *choice);

void choice_free(struct choice *choice);

#endif
