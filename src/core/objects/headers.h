/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What a loaded object's program headers say of it. They are input: they can say
 * anything, and what they point to need not be there.
 */
#ifndef LM_HEADERS_H
#define LM_HEADERS_H

#include <link.h>
#include <stdint.h>

#include "image.h"

#define LM_BUILD_ID_MAX 64

/* What tells a file from others, if it has no build-id. All 0: not known. */
struct lm_stamp {
	uint64_t device, inode;
	uint64_t size;        /* in bytes */
	int64_t seconds;      /* of its last change */
	uint32_t nanoseconds; /* of the same */
};

struct lm_loaded {
	uintptr_t start, end; /* the pages of its first to its last segment */
	uintptr_t bias;       /* what was added to the addresses in its file */
	uint64_t offset;      /* in the file, of START */
	uintptr_t eh_frame_hdr;
	uintptr_t exidx, exidx_size;      /* the unwind tables of 32-bit ARM */
	const struct lm_frame_list *list; /* what serves where EH_FRAME_HDR has no table (frametable.h); or NULL */
	struct lm_image image;
	/* While it is loaded, no other object has the same. NULL: it stays as long as the process. */
	const void *handle;
	uint64_t headers; /* a sum of its program headers */
	uint8_t build_id[LM_BUILD_ID_MAX];
	unsigned build_id_size; /* 0: there is none */
	struct lm_stamp stamp;  /* of its file; only if there is no build-id */
};

/* COUNT program headers, in memory or in an open file. */
struct lm_headers {
	unsigned count;
	uintptr_t at; /* 0: they are at OFFSET in FD */
	int fd;
	uint64_t offset;
};

/* Finds the headers of the object whose ELF header lies at START, if they lie in its first page. 0, or -1. */
int lm_headers_in_memory(struct lm_headers *headers, uintptr_t start);

/* Finds them in the file FD. 0, or -1. */
int lm_headers_in_file(struct lm_headers *headers, int fd);

/* The address in the file of the object's own ELF header, as PT_PHDR or the first segment tells: what START is there.
 */
int lm_headers_first(const struct lm_headers *headers, ElfW(Phdr) * first);

/* Fills in all but HANDLE and STAMP. LOADED->bias is given. 0, or -1: they are no headers of an object. */
int lm_headers_read(const struct lm_headers *headers, struct lm_loaded *loaded);

#endif
