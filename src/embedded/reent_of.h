/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* newlib's state of a thread: _REENT, where there is newlib. */
#ifndef LM_REENT_OF_H
#define LM_REENT_OF_H

/* <stddef.h> is the compiler's own, and does not tell which libc there is. Picolibc says that it is newlib, too. */
#include <stdlib.h>

#if defined __NEWLIB__ && !defined __PICOLIBC__
#include <reent.h>
#endif

struct _reent;

#endif
