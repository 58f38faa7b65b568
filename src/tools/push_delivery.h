/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When log-malloc-push delivers the profiles of a trace to a store, and what it says of that. A store that does not
 * take them is asked less and less often.
 */
#ifndef LM_PUSH_DELIVERY_H
#define LM_PUSH_DELIVERY_H

#include "push_image.h"
#include "push_options.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

struct push_delivery {
	/* Set by the caller: */
	const struct push_options *options;
	const char *path; /* of the trace, for messages */
	struct store *store;
	/* The rest is zero at first: */
	uint64_t due;             /* when the next profile is, by the clock */
	unsigned failures;        /* of the last deliveries, one after another */
	uint64_t sent, not_taken; /* in all */
	bool is_late;             /* the last profile of some image was not taken */
};

/* The time of a profile that is made now: milliseconds since 1970. */
uint64_t push_delivery_now(void);

/* The time until the first profile begins. */
void push_delivery_begin(struct push_delivery *d);

bool push_delivery_is_due(const struct push_delivery *d);

/* Delivers a profile of what is known now. What is not taken will be in the next one. 0 or -errno. */
int push_delivery_send(struct push_delivery *d, struct push_image *push, const struct trace_image *image);

/* The same where there is no later profile that could have what this one does not: it is tried several times. */
int push_delivery_send_last(struct push_delivery *d, struct push_image *push, const struct trace_image *image);

#endif
