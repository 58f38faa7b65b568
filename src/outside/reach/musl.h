/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of musl's allocator. */
#ifndef LM_REACH_MUSL_H
#define LM_REACH_MUSL_H

#include "copy.h"

/* The mapping of musl's that the block at ADDRESS lies in. False if the block is not musl's. */
bool musl_find(const struct copy *copy, uint64_t address, struct range *mapping);

#endif
