/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LM_READER_AMOUNT_H
#define LM_READER_AMOUNT_H

#include <stdint.h>

/* A number of blocks, and their requested bytes. */
struct amount {
	uint64_t count;
	uint64_t bytes;
};

static inline void amount_add(struct amount *amount, uint64_t bytes)
{
	amount->count++;
	amount->bytes += bytes;
}

static inline void amount_remove(struct amount *amount, uint64_t bytes)
{
	amount->count--;
	amount->bytes -= bytes;
}

#endif
