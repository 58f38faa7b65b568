/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of C++ and Rust as the linker has them -> as people write them. */
#ifndef LM_READER_DEMANGLE_H
#define LM_READER_DEMANGLE_H

#include <stdbool.h>

/* Is NAME a mangled name of C++ or Rust? The demangler would also accept other names, and guess. */
bool demangle_applies(const char *name);

/* The name as people write it, allocated with malloc(). NULL if NAME is not mangled, or without memory. */
char *demangle_name(const char *name);

#endif
