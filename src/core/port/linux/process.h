/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which process this is. Our memory can be in another process's hands: a child
 * of fork has a copy of it, a child of vfork runs in the very same.
 */
#ifndef LM_PROCESS_H
#define LM_PROCESS_H

#include <stdlib.h>

/* The calling process is the one that the tracker's memory belongs to, from here on. Its number. */
long lm_process_adopt(void);

/* It belongs to none from here on. */
void lm_process_leave(void);

/* Its number; 0 before that. */
long lm_process_owner(void);

/* Does the calling process own this memory? One that may not even ask for its number is taken for the owner. */
int lm_process_is_owner(void);

/* FUNCTION is called by exit() where the libc calls no destructors; nothing happens elsewhere. */
static inline void lm_process_at_exit(void (*function)(void))
{
#ifdef __dietlibc__
	atexit(function);
#else
	(void)function;
#endif
}

#endif
