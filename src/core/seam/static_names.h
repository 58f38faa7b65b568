/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Names that a stripped static program can have: see wrap/static_names.c, which only such a program links. */
#ifndef LM_STATIC_NAMES_H
#define LM_STATIC_NAMES_H

#include <stddef.h>

struct lm_static_name {
	const char *function; /* where it begins; NULL: the program does not have it */
	const char *name;     /* NULL: the end of the table */
};

/* The flavour's table, or NULL: it has none. */
const struct lm_static_name *lm_static_names(void);

#endif
