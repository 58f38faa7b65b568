/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Files of the kernel's, such as those in /proc, read as a whole. Takes no lock and allocates nothing through malloc.
 */
#ifndef LM_WHOLE_H
#define LM_WHOLE_H

#include <stddef.h>

struct lm_whole {
	char *text;
	size_t length; /* of TEXT, in bytes; there is a NUL behind them */
	size_t room;
};

/* 0; or -1 without the file, its content or memory. To be given back with lm_whole_unread() in both cases. */
int lm_whole_read(struct lm_whole *file, const char *path);
void lm_whole_unread(struct lm_whole *file);

#endif
