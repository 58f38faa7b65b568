/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a program or library have C++'s operators new and delete of its own? Then its calls of them may never reach
 * those that the tracker sees: they can be bound within the file, inlined, or their calls of free() be jumps.
 */
#ifndef LM_READER_OPERATORS_H
#define LM_READER_OPERATORS_H

#include "object.h"

#include <stdbool.h>

/*
 * Does OBJECT, for certain, call the operators of others? A stripped file tells that by importing one, or by being no
 * C++: what has no exception tables. The C library, which has malloc() itself, is known.
 */
bool operators_are_elsewhere(struct object *object);

/* Does OBJECT refer to a function of C that releases blocks? If not, another one's jump to it seems to be its call. */
bool operators_calls_free(struct object *object);

#endif
