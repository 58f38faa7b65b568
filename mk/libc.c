/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Is the libc one of the small ones, which lack some names? The Makefile preprocesses this and looks for the word. */
#include <stdlib.h>

#if defined __dietlibc__
lm_dietlibc
#elif defined __UCLIBC__
lm_uclibc
#endif
