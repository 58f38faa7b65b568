/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * mlockall(): the program wants its memory to stay resident. What is mapped
 * later is kept out of that by map.h; this is about what is mapped already. To
 * the caller it behaves like libc's function, errno included.
 */
#ifndef LM_PINNED_H
#define LM_PINNED_H

int lm_mlockall(int flags);

#endif
