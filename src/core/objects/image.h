/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Reads what the loader mapped of an object. What stands in an object is input: it
 * can point anywhere. So nothing is read outside of the object's segments, and no
 * page is read before the kernel has said that it can be. What was said of a page is
 * remembered until code is unloaded. Any thread, any signal handler; no locks.
 */
#ifndef LM_IMAGE_H
#define LM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* More segments than any linker makes. What lies in others can't be read. */
#define LM_IMAGE_SEGMENTS 12

struct lm_image {
	unsigned count;
	struct {
		uintptr_t start, end;
	} segment[LM_IMAGE_SEGMENTS];
};

void lm_image_add(struct lm_image *image, uintptr_t start, uintptr_t end);

/* The end of the segment that AT lies in, or 0. */
uintptr_t lm_image_end(const struct lm_image *image, uintptr_t at);

/* Can all of the SIZE bytes at AT be read? They have to lie in one segment. */
int lm_image_has(const struct lm_image *image, uintptr_t at, size_t size);

/* Copies SIZE bytes from AT, of any alignment. 0, or -1. */
int lm_image_read(const struct lm_image *image, void *to, uintptr_t at, size_t size);

/* The same without an image: only the kernel is asked. For the headers, which tell where the segments are. */
int lm_image_read_any(void *to, uintptr_t at, size_t size);

/* Code was unloaded: pages that could be read may be gone. */
void lm_image_flush(void);

/* Nothing is remembered any more. No other thread may be at work. */
void lm_image_forget(void);

#endif
