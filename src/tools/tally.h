/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much is in a trace, at the speed of reading it: lines are told apart by
 * their first bytes and not parsed.
 */
#ifndef LM_TALLY_H
#define LM_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tally {
	uintmax_t events; /* calls */
	uintmax_t starts; /* INIT lines: process images */
	uintmax_t lost;   /* events that could not be written, as "# LOST" lines say */
	uintmax_t bytes;  /* of the file */
	char exe[256];    /* the last program's path as the trace has it, shortened in front; empty: not told */
	uintmax_t saving; /* of a large trace: bytes that the compact format would not have taken, about */
};

/*
 * Counts what FD has from START on, and behind that the TEXT of LEN bytes,
 * which the file does not have (so BYTES leaves it out). 0 or an errno.
 */
int tally_file(int fd, off_t start, const char *text, size_t len, struct tally *tally);

#endif
