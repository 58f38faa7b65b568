/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Asks the linker for the tracker. A program whose own objects call only strdup() has
 * no reference to the archive when the linker searches it, and libc's come too late. So
 * this object stands in front of the archive, and is not a part of it.
 */
#include <stddef.h>

void *__wrap_malloc(size_t size);

static void *(*const needed)(size_t size) __attribute__((used)) = __wrap_malloc;
