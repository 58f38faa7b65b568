/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does a journal belong to a trace? What both have is compared. */
#ifndef LM_READER_JOURNAL_AGREES_H
#define LM_READER_JOURNAL_AGREES_H

#include "journal.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Compares the RING, as far as it has whole records from HEADER's tail up to position END, with what the trace that is
 * open as TRACE has there. It differs if the trace was written anew without a journal. HEADER's positions can be.
 */
bool journal_agrees(const struct lm_journal_header *header, const unsigned char *ring, int trace, uint64_t end);

#endif
