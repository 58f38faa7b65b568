/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts what is in a trace of any format. It is as fast as reading the file,
 * because lines and records are told apart by their first bytes, and are not parsed.
 */
#ifndef LM_TALLY_H
#define LM_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tally {
	uintmax_t events; /* calls of allocation functions */
	uintmax_t starts; /* INIT lines: the number of process images */
	bool finished;    /* the last of them has FINI */
	bool has_older;   /* what was in front of it is in an older file (older.h) */
	bool is_older;    /* it goes on in a newer file */
	uintmax_t lost;   /* events that could not be written, as "# LOST" lines and the tracker's note say */
	bool is_least;    /* there may be more of these */
	int unwritten;    /* why more could not be written, which nobody counted: an errno; 0: there is no more */
	uintmax_t limit;  /* the size from which on it has no allocations; 0: it has all */
	uintmax_t bytes;  /* of the file */
	char exe[256];    /* the path of the last program, without its beginning if it is long; empty: unknown */
	bool is_packed;   /* there is a program whose trace is of the packed format */
	uintmax_t saving; /* about how many bytes fewer the packed format needs */
};

/*
 * Counts what FD has from START on, and behind that the TEXT of LEN bytes,
 * which the file does not have (so BYTES leaves it out). 0 or an errno.
 */
int tally_file(int fd, off_t start, const char *text, size_t len, struct tally *tally);

#endif
