/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The step from a frame to its caller by the tables of the module that the frame
 * lies in. What they say of a pc is read once, and kept in a table without locks.
 */
#ifndef LM_UNWIND_EXIDX_RULES_H
#define LM_UNWIND_EXIDX_RULES_H

#include <stdint.h>

#include "compiler.h"
#include "step.h"

/* Notes in a row. */
#define LM_RULES_NO_RETURN LM_EHABI_NOTE        /* no call returns to the pc */
#define LM_RULES_AT_START  (LM_EHABI_NOTE << 1) /* it is the first instruction of its function */

/* A frame, and what is known of its pc. */
struct lm_rules_frame {
	struct lm_ehabi_registers r;
	struct lm_ehabi_row row;
};

/* FRAME->r is given: what is known of its pc is filled in. */
void lm_rules_look(struct lm_rules_frame *frame) LM_INTERNAL;

/* Do the tables say nothing about how FRAME's caller is found? */
static inline int lm_rules_is_end(const struct lm_rules_frame *frame)
{
	return (frame->row.how & LM_EHABI_KIND) == LM_EHABI_END;
}

/* FRAME becomes its caller's. Whoever calls has seen that it is no other stack, or has entered that (stack.h). */
enum lm_ehabi_result lm_rules_step(struct lm_rules_frame *frame) LM_INTERNAL;

/* The rules of unloaded code do not hold any more. */
void lm_rules_flush(void);

#endif
