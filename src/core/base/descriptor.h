/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The tracker's own descriptors in the program's process. They have high numbers
 * and are close-on-exec. They are checked before each use, because the program
 * may close or reuse any number.
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

/* Is the descriptor still the one that was kept? 0; -EBADF: it was closed or is another file; or another -errno. */
int lm_descriptor_check(const struct lm_descriptor *descriptor);

int lm_descriptor_is_ours(const struct lm_descriptor *descriptor);

/* Is FD open on the same file? */
int lm_descriptor_is_same(const struct lm_descriptor *descriptor, int fd);

/*
 * The path of the regular file that FD is open on. NULL if that is not known or leads to another file. The string is
 * allocated in the arena.
 */
const char *lm_descriptor_path(int fd);

/* Closes it if it is still ours. */
void lm_descriptor_close(struct lm_descriptor *descriptor);

#endif
