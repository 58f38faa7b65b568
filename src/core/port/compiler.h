/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the compiler is told beyond C. */
#ifndef LM_COMPILER_H
#define LM_COMPILER_H

/*
 * For variables that other files of the tracker use. -fvisibility=hidden is
 * about definitions alone: without this, a compiler takes a declared variable
 * for another object's and looks its address up at each use.
 */
#define LM_INTERNAL __attribute__((visibility("hidden")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
