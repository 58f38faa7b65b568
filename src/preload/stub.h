/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Stubs of the program. A program that is not position independent and takes a function's address, such as malloc's,
 * gives its own stub that calls the function to all objects as that address. A search finds the stub then, and when
 * calls are taken over, the stub leads to us.
 */
#ifndef LM_STUB_H
#define LM_STUB_H

#include "compiler.h"

/* Is FOUND, which a search for NAME gave, the program's stub? */
int lm_stub_is(const void *found, const char *name) LM_INTERNAL;

/* The function NAME of the first library that defines it, but for ours; or NULL. Calls the loader. */
void *lm_stub_behind(const char *name) LM_INTERNAL;

#endif
