/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds in a process image that is over what log-malloc-findleak reports: leaks, and releases that were wrong. */
#ifndef LM_FINDLEAK_FIND_H
#define LM_FINDLEAK_FIND_H

#include "findleak.h"
#include "findleak_image.h"

#include <stdbool.h>
#include <stdint.h>

/* What the user asked for, beside what FINDINGS have of it. */
struct findleak_wanted {
	bool by_address; /* each block is a leak of its own */
	enum leaks_order order;
	uint64_t min_bytes; /* of a leak that is shown */
	bool has_age;
	uint64_t age; /* milliseconds that a block has to be old to be a leak */
};

/*
 * Finds the leaks, the wrong frees and the code without tables of the image that was KEPT. The caller has set what says
 * which image FINDINGS are of, how its frames are looked up, and what is shown. SUPPRESSIONS count what they match. 0
 * or -errno; what FINDINGS have then has to be freed, too.
 */
int findleak_find(struct findings *findings, struct findleak_image *kept, const struct findleak_wanted *wanted,
                  struct suppressions *suppressions);

#endif
