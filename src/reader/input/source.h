/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the bytes of a trace come from: a file or a pipe, compressed or not. If a
 * file has a journal beside it, the journal's text follows the file's. Of a file that
 * grows, what it had when it was opened is read, unless it is followed.
 */
#ifndef LM_READER_SOURCE_H
#define LM_READER_SOURCE_H

#include "diag.h"
#include "recovery.h"
#include "unpack.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* For reading a file for as long as somebody writes to it. */
struct source_follow {
	/* Called when everything was read so far. Waits for a while. False if nobody writes to it any more. */
	bool (*wait)(void *context);
	void *context;
};

struct source {
	const char *name; /* for messages */
	int fd;
	uint64_t size; /* size of the file; 0 if unknown */
	uint64_t used; /* bytes of the file that were read */
	/* Set by the caller after source_open(). As soon as it is not 0, nothing more is read. Can be NULL. */
	const volatile sig_atomic_t *stop;
	bool is_stopped;
	bool is_owned; /* a process held its lock on the file when it was opened */
	/* The rest is the state between two reads. */
	struct unpack *unpack; /* NULL if not compressed */
	char first[UNPACK_MAGIC];
	size_t first_len, first_used; /* bytes that were read first, to find the format */
	uint64_t file_left;           /* bytes of the file that come behind those; UINT64_MAX: all that there are */
	bool is_short;                /* the file had fewer */
	struct recovery rest;
	bool has_rest;
	size_t rest_taken;
	/* Of a file that is followed: */
	struct source_follow follow;
	bool is_last;      /* nobody writes to it any more... */
	bool is_over;      /* ...and it was looked at since */
	uint64_t position; /* of the next byte */
};

/*
 * Opens PATH, or standard input if it is "-". DIAG can be NULL; it is told of a
 * journal that can't be used. 0 or -errno.
 */
int source_open(struct source *source, const char *path, const struct diag *diag);

/* The LEN bytes TEXT, which source_close() frees, as if they were the file NAME. */
void source_open_text(struct source *source, const char *name, char *text, size_t len);

/* Reads at most ROOM bytes into TO. Returns their number, 0 at the end, or -errno. */
ssize_t source_read(struct source *source, char *to, size_t room);

/*
 * To be called before anything is read: reads on as the file and its journal grow, until FOLLOW says that this is over.
 * A pipe or a compressed file is read as always. 0 or -errno.
 */
int source_follow(struct source *source, const struct source_follow *follow);

/* Why the text ended too early, or NULL if it did not. */
const char *source_fault(const struct source *source);

void source_close(struct source *source);

#endif
