/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The function symbols of one object's file, sorted by address: .symtab where
 * it was not stripped, else .dynsym. They are copied; the file is closed again.
 */
#ifndef LM_SYMTAB_H
#define LM_SYMTAB_H

#include <stdint.h>

#include "module.h"

struct lm_symtab;

/* Never NULL: without memory or a file it is one that knows no symbol. */
const struct lm_symtab *lm_symtab_open(const struct lm_module *module);
void lm_symtab_close(const struct lm_symtab *symtab);

/* The function that ADDRESS, as in the file, lies in: its name and *START, or NULL. */
const char *lm_symtab_find(const struct lm_symtab *symtab, uint64_t address, uint64_t *start);

#endif
