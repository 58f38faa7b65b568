/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which libc a chip's compiler has: mk/embedded.mk looks for the words. Picolibc says that it is newlib, too. */
#include <stdlib.h>

#if defined __PICOLIBC__
lm_picolibc
#elif defined __NEWLIB__
lm_newlib
#endif
