/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library that is preloaded into the command: where it lies, and how LD_PRELOAD names it. */
#ifndef LM_LIBRARY_H
#define LM_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#define LIBRARY_NAME   "liblog-malloc2.so"
#define OPERATORS_NAME "liblog-malloc2-operators.so"
/* The name that a program asks the loader for. Distributions install the other one only with the headers. */
#define LIBRARY_SONAME LIBRARY_NAME "." LM_SOVERSION

/*
 * Fills PATH with the library beside this program, as in a build tree, or in
 * the lib directory beside this program's directory, or in INSTALLED. NAME is
 * what this program was called as. False if there is none.
 */
bool library_find(char *path, size_t size, const char *name, const char *installed);

/* Fills PATH with the library of C++'s operators, which is beside LIBRARY. False if there is none. */
bool library_find_operators(char *path, size_t size, const char *library);

/*
 * The value of LD_PRELOAD: LIBRARY, and OPERATORS unless that is NULL, in front of what
 * is there already. The caller frees it. NULL if LD_PRELOAD can't name LIBRARY, or without memory.
 */
char *library_preload_list(const char *library, const char *operators);

#endif
