/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python has an allocator of its own for small objects, which nobody sees unless PYTHONMALLOC=malloc turns it off. */
#ifndef LM_PYTHON_H
#define LM_PYTHON_H

#include "consumers.h"
#include "trace.h"

#include <stdbool.h>

/* What is missing then, and what helps. */
#define PYTHON_UNSEEN "Python's objects of up to 512 bytes: they lie in arenas of its own"
#define PYTHON_ADVICE "run it with PYTHONMALLOC=malloc in the environment"

/* Is the program at PATH an interpreter of Python? */
bool python_is(const char *path);

/* Do the variables of this process leave Python its own allocator? */
bool python_has_own_allocator(void);

/*
 * Does the image look like Python with its own allocator? Without it, the interpreter makes thousands of small
 * allocations before it runs anything. CONSUMERS can be NULL; then only short traces tell.
 */
bool python_lacks_objects(const struct trace_image *image, const struct consumers *consumers);

#endif
