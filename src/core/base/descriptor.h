/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Descriptors of our own in the program's process. They have high numbers and are
 * closed by exec. A program may close or reuse any number, so each is compared
 * with what was opened before it is used.
 */
#ifndef LM_DESCRIPTOR_H
#define LM_DESCRIPTOR_H

#include <sys/types.h>

struct lm_descriptor {
	int fd; /* -1: none */
	dev_t device;
	ino_t inode;
};

/* Keeps a private duplicate of FD, which stays open. 0, or -errno. */
int lm_descriptor_keep(struct lm_descriptor *descriptor, int fd);

/* Is it still what was kept? 0: yes. -EBADF: it was closed, or is something else now. Another -errno: no answer. */
int lm_descriptor_check(const struct lm_descriptor *descriptor);

int lm_descriptor_is_ours(const struct lm_descriptor *descriptor);

/* Is FD open on the same file? */
int lm_descriptor_is_same(const struct lm_descriptor *descriptor, int fd);

/* The path of the regular file that FD is open on, kept in the arena. NULL if there is none that leads to it. */
const char *lm_descriptor_path(int fd);

void lm_descriptor_close(struct lm_descriptor *descriptor);

#endif
