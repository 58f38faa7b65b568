/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A pc's line in the trace: OBJECT(SYMBOL+0xOFFSET)[0xADDRESS]. Looked up once
 * an address, in the object's own symbol tables, then kept. No locks, no
 * malloc; a file is open only while its tables are mapped.
 */
#ifndef LM_SYMBOL_H
#define LM_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

#include "chains.h"
#include "compiler.h"
#include "module.h"

/* Texts are copied in pieces of this size. */
#define LM_FRAME_SLACK 16

struct lm_frame {
	struct lm_link link;
	uintptr_t pc;
	struct lm_module *module; /* NULL: no object known */
	unsigned generation;      /* lm_module_generation() when that was found */
	unsigned number;          /* in the packed format, from 1 */
	unsigned written;         /* in the packed format: the number of the trace that it was written to last */
	unsigned length;
	char text[]; /* with the newline; LM_FRAME_SLACK bytes more can be read */
};

/* The line for the return address PC, or NULL without memory. */
struct lm_frame *lm_symbol_frame(uintptr_t pc);

/* Where the function begins that the address PC lies in, by its symbol: 0; or -1. Only in objects that are known. */
int lm_symbol_function(uintptr_t pc, uintptr_t *start);

/* ---- frames that were guessed ---- */

/* The return address PC was found without tables that say so. */
void lm_symbol_guess(uintptr_t pc);

/* Are there any? */
extern int lm_symbol_has_guesses LM_INTERNAL;

/* Is PC a guess that the trace does not tell yet? */
int lm_symbol_is_untold_guess(uintptr_t pc);

/* It is in the trace now. */
void lm_symbol_guess_told(uintptr_t pc);

/* The trace begins a new file, or it is that of a child of fork: it tells of none yet. */
void lm_symbol_renew(void);

/* Before the first frame. FEW: there will be few, so their table begins small. */
void lm_symbol_begin(int few);

/* No frame is known any more, and no table is mapped. Before lm_module_release(). No other thread may be at work. */
void lm_symbol_release(void);

#endif
