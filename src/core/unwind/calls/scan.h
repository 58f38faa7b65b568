/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The caller of a function that has no tables: a word on the stack that is a return
 * address to a call of just that function. A wrong frame is worse than none, so the
 * tables of the caller have to lead on to callers that called each other. Where
 * the word stood is remembered for each pc, and so is that nothing was found.
 *
 * An unwinder calls this where its tables end. It tells how it steps by them.
 */
#ifndef LM_UNWIND_SCAN_H
#define LM_UNWIND_SCAN_H

#include <stdint.h>

#include "compiler.h"

/* A frame on the way out. */
struct lm_scan_frame {
	uintptr_t pc, sp, fp;
	uintptr_t ra; /* of an interrupted function, the register with the return address; or 0 */
	int exact;    /* PC is the instruction itself, not a return address */
};

enum lm_scan_step {
	LM_SCAN_CALLER,    /* the frame is the caller's now */
	LM_SCAN_OUTERMOST, /* there is no caller */
	LM_SCAN_NO_TABLES,
	LM_SCAN_BROKEN, /* what the tables say leads nowhere */
};

/* A step by tables alone. */
typedef enum lm_scan_step lm_scan_by_tables(struct lm_scan_frame *frame);

/*
 * FRAME, which has no tables and lies on the stack that is known (stack.h), becomes its caller, whose pc is noted as a
 * guess (symbol.h). If it is not found, FRAME is as it was.
 */
enum lm_scan_result {
	LM_SCAN_FOUND,
	LM_SCAN_NOTHING,
	LM_SCAN_OTHER, /* the next frame is one that called another function, which did not return */
};
enum lm_scan_result lm_scan_find(struct lm_scan_frame *frame, lm_scan_by_tables *step) LM_INTERNAL;

/* Code was unloaded. */
void lm_scan_flush(void);

#endif
