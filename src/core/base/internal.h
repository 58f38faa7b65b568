/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * For variables that other files of the tracker use. -fvisibility=hidden is
 * about definitions alone: without this, a compiler takes a declared variable
 * for somebody else's and looks its address up at each use.
 */
#ifndef LM_INTERNAL_H
#define LM_INTERNAL_H

#define LM_INTERNAL __attribute__((visibility("hidden")))

#endif
