/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy of what a stopped process has: the registers of its threads, and the memory that can hold pointers to blocks.
 */
#ifndef LM_REACH_COPY_H
#define LM_REACH_COPY_H

#include "ranges.h"
#include "regions.h"
#include "registers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* Memory without a hole. What lies between two pieces has no pointers, or can't be read. */
struct copy_piece {
	uint64_t address;
	size_t size;
	const unsigned char *bytes;
};

struct copy {
	pid_t pid;
	unsigned word; /* bytes of a pointer */
	uint64_t tags; /* bits of a pointer that are no part of its address (pointer.h) */
	struct registers_thread *threads;
	size_t thread_count;
	struct regions regions;
	uint64_t heap;             /* where memory that the program got by brk() begins; 0: not known */
	struct copy_piece *pieces; /* in the order of their addresses */
	size_t piece_count, piece_room;
	size_t bytes;     /* of all pieces */
	bool has_tracker; /* the process has memory of a tracker's, which was left out */
	/* What follows belongs to copy.c. */
	unsigned char *room; /* where the pieces' bytes are */
	size_t room_size, room_used;
};

/* Both as those of reach.h. */
int copy_prepare(struct copy *copy, pid_t pid);
int copy_take(struct copy *copy, const struct stop *stop);

/* Reads SIZE bytes at ADDRESS; what was not copied is zeros. False if nothing of it was copied. */
bool copy_read(const struct copy *copy, uint64_t address, void *to, size_t size);

/* The pointer at ADDRESS. False if it was not copied. */
bool copy_word(const struct copy *copy, uint64_t address, uint64_t *word);

/* The place of the first piece that ends behind ADDRESS. */
size_t copy_find(const struct copy *copy, uint64_t address);

/* The pointer that stands at BYTES. */
static inline uint64_t copy_load(const unsigned char *bytes, unsigned word)
{
	uint64_t whole;
	uint32_t half;

	if (word == sizeof whole) {
		memcpy(&whole, bytes, sizeof whole);
		return whole;
	}
	memcpy(&half, bytes, sizeof half);
	return half;
}

void copy_free(struct copy *copy);

#endif
