/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the bytes of a trace come from: a file or a pipe, compressed or not,
 * and behind the file the journal beside it, if it has one.
 */
#ifndef LM_READER_SOURCE_H
#define LM_READER_SOURCE_H

#include "diag.h"
#include "recovery.h"
#include "unpack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct source {
	const char *name; /* for messages */
	int fd;
	uint64_t size; /* bytes of the file, 0 if that is not known */
	uint64_t used; /* of them, that were read */
	/* Below: between two reads. */
	struct unpack *unpack; /* NULL: not compressed */
	char first[UNPACK_MAGIC];
	size_t first_len, first_used; /* bytes that were read ahead to tell the format */
	struct recovery rest;
	bool has_rest;
	uint64_t file_left; /* with a journal: bytes of the file that come first */
	size_t rest_taken;
};

/*
 * PATH, or standard input if it is "-". DIAG, which can be NULL, is told of a
 * journal that is no use. 0 or -errno.
 */
int source_open(struct source *source, const char *path, const struct diag *diag);

/* Are the file's bytes, from its begin to its end, all that there is to read? */
bool source_is_plain_file(const struct source *source);

/* The number of bytes that were put to TO, 0 at the end, -errno. */
ssize_t source_read(struct source *source, char *to, size_t room);

/* Why the text ended before its end, NULL if it did not. */
const char *source_fault(const struct source *source);

void source_close(struct source *source);

#endif
