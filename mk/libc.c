/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which libc is it? The Makefile preprocesses this and looks for the word: lm_ for a small one, which lacks some names.
 */
#include <stdlib.h>

#if defined __dietlibc__
lm_dietlibc
#elif defined __UCLIBC__
lm_uclibc
#elif !defined __GLIBC__ && !defined __BIONIC__ && defined __linux__
musl
#endif
