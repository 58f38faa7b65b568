/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compressed text as a stream: zstd and gzip, with any number of frames or
 * members one after another. Memory does not grow with the text.
 */
#ifndef LM_READER_UNPACK_H
#define LM_READER_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum unpack_format { UNPACK_PLAIN, UNPACK_ZSTD, UNPACK_GZIP };

/* So many bytes at the front tell the format, fewer only that it is plain. */
enum { UNPACK_MAGIC = 4 };

struct unpack;

/* What a file is by its first LEN bytes. */
enum unpack_format unpack_recognize(const void *first, size_t len);

/* Where the compressed bytes come from: the number of those that were put to TO, 0 at the end, -errno. */
typedef ssize_t unpack_supply(void *owner, char *to, size_t room);

/* FORMAT is not UNPACK_PLAIN. 0 or -ENOMEM. */
int unpack_create(struct unpack **unpack, enum unpack_format format, unpack_supply *supply, void *owner);

/* The number of bytes that were put to TO, 0 at the end, -errno of the supply. */
ssize_t unpack_read(struct unpack *unpack, char *to, size_t room);

/* Why it ended before its end; NULL if it did not. Valid until it is destroyed. */
const char *unpack_fault(const struct unpack *unpack);

/* Does nothing with NULL. */
void unpack_destroy(struct unpack *unpack);

#endif
