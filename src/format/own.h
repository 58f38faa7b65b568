/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the tracker has mapped for itself, for whoever looks at the process from outside: none of that is the program's.
 * The table lies in the tracker's writable data, at a multiple of a word's size. It is found there by its first bytes
 * and by the word behind them, which is its own address.
 */
#ifndef LM_OWN_H
#define LM_OWN_H

#include <stdint.h>

/* In memory, not in a file's read-only data: the table alone has these bytes. Its last byte is 0. */
#define LM_OWN_MAGIC "log-malloc2 own"

/* Mappings that find no place in the table are taken for the program's. Those of a large heap are few. */
enum { LM_OWN_MAX = 250 };

struct lm_own {
	char magic[16];
	uintptr_t self; /* the table's address; 0: it is not in use yet */
	uintptr_t room; /* LM_OWN_MAX */
	struct lm_own_mapping {
		uintptr_t from; /* 0: a free place */
		uintptr_t size; /* 0: it is just being mapped or unmapped */
	} mappings[LM_OWN_MAX];
};

#endif
