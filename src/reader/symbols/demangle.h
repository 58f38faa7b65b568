/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns the linker's names of C++, D, Rust and Ada functions into those of the source. */
#ifndef LM_READER_DEMANGLE_H
#define LM_READER_DEMANGLE_H

#include <stdbool.h>

/* Is NAME a mangled name of C++, D or Rust? The demangler also accepts some other names, and guesses. */
bool demangle_applies(const char *name);

/* The name as in the source, allocated with malloc(). NULL if NAME is not mangled, or if there is no memory. */
char *demangle_name(const char *name);

/*
 * The same for a name of Ada, package__procedure. Nothing tells it from a name of C, so
 * the caller has to know that the function is one of Ada.
 */
char *demangle_ada(const char *name);

#endif
