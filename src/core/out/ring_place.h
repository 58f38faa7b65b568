/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The bytes of a record's place in the ring, or in one that an earlier image
 * left (journal.h says what its states are). Pure.
 */
#ifndef LM_RING_PLACE_H
#define LM_RING_PLACE_H

#include <stdint.h>
#include <sys/uio.h>

/* The bytes of COUNT parts from the ninth on: the first eight say last that they are there. */
void lm_ring_place_fill(unsigned char *place, const struct iovec *parts, int count);

/* All of a record, of LENGTH bytes. */
void lm_ring_place_record(unsigned char *place, const struct iovec *parts, int count, uint32_t length);

/* A line of information that says nothing; whoever looks meanwhile sees a gap. */
void lm_ring_place_void(unsigned char *place, uint32_t length);

/*
 * Places in the ring BYTES between FROM and TO that were not filled are made to
 * say nothing: the trace's size goes on telling what of the stream it has,
 * wherever writing that ends. TO, or where the last such place begins if
 * nothing follows it. *GAPS goes up by what was found.
 */
uint64_t lm_ring_place_void_gaps(unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps);

#endif
