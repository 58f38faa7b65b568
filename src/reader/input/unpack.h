/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decompresses zstd and gzip as a stream, with any number of frames or members one
 * after another. Memory does not grow with the text.
 */
#ifndef LM_READER_UNPACK_H
#define LM_READER_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum unpack_format { UNPACK_PLAIN, UNPACK_ZSTD, UNPACK_GZIP };

/* So many bytes at the front tell the format. A shorter text is not compressed. */
enum { UNPACK_MAGIC = 4 };

struct unpack;

/* The format of a file, by its first LEN bytes. */
enum unpack_format unpack_recognize(const void *first, size_t len);

/* Reads compressed bytes into TO. Returns their number, 0 at the end, or -errno. */
typedef ssize_t unpack_supply(void *owner, char *to, size_t room);

/* FORMAT is not UNPACK_PLAIN. 0 or -ENOMEM. */
int unpack_create(struct unpack **unpack, enum unpack_format format, unpack_supply *supply, void *owner);

/* Puts at most ROOM bytes into TO. Returns their number, 0 at the end, or the -errno of the supply. */
ssize_t unpack_read(struct unpack *unpack, char *to, size_t room);

/* Why the text ended too early; NULL if it did not. Valid until unpack_destroy(). */
const char *unpack_fault(const struct unpack *unpack);

/* Does nothing with NULL. */
void unpack_destroy(struct unpack *unpack);

#endif
