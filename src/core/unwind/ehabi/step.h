/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The step from a frame of 32-bit ARM to its caller: by a function's byte codes,
 * by what they come to in nearly all functions, or by what the kernel saved for a
 * signal handler. See codes.h for what this folder may know.
 */
#ifndef LM_EHABI_STEP_H
#define LM_EHABI_STEP_H

#include <stdint.h>

#include "codes.h"

enum { LM_EHABI_SP = 13, LM_EHABI_LR = 14, LM_EHABI_PC = 15 };

/* A mask of one register. */
#define LM_EHABI_BIT(number) (1u << (number))
/* What a function preserves. */
#define LM_EHABI_PRESERVED 0x0ff0u
#define LM_EHABI_ALL       0xffffu

/* The registers of a frame. The pc has no bit that tells how the code is encoded. */
struct lm_ehabi_registers {
	uint32_t r[16];
	uint32_t known; /* a mask; of the others, nothing is known. Stack pointer and pc always are. */
	int exact;      /* the pc is the instruction itself, not a return address */
};

enum lm_ehabi_result {
	LM_EHABI_STEPPED,
	LM_EHABI_ENDED,  /* there is no caller */
	LM_EHABI_MISSES, /* the way to the caller goes by a register that is not known */
};

/* The step by CODES, which are used up. R is the caller's frame then; else it is what it was. */
enum lm_ehabi_result lm_ehabi_run(struct lm_ehabi_codes *codes, const struct lm_ehabi_reader *stack,
                                  struct lm_ehabi_registers *r);

/* ---- codes of the usual form, in two words ---- */

/*
 * The virtual stack pointer is set to a register, it is moved, registers are popped in order, it is moved again. Both
 * moves are numbers of words.
 */
struct lm_ehabi_row {
	uint32_t how;   /* the mask of the popped registers, and fields */
	uint32_t moves; /* the one before the pops in the lower half, the one behind them in the upper one */
};

/* Fields of HOW: the register that the way begins with, and the kind. A word of 0 is no row. */
#define LM_EHABI_BASE_SHIFT 16
#define LM_EHABI_KIND       (15u << 20)
#define LM_EHABI_USUAL      (1u << 20)
#define LM_EHABI_OTHER      (2u << 20) /* the codes say more than a row can, and have to be run */
#define LM_EHABI_END        (3u << 20) /* there are no codes, or they refuse */
#define LM_EHABI_SIGNAL     (4u << 20) /* a signal handler returned here: MOVES is where the registers lie */
/* Whoever packs a row has bits for notes of his own. */
#define LM_EHABI_NOTE (1u << 24)

/* The row of CODES, which are used up. */
struct lm_ehabi_row lm_ehabi_pack(struct lm_ehabi_codes *codes);

/* The step by ROW, which is usual or a signal's. */
enum lm_ehabi_result lm_ehabi_apply(const struct lm_ehabi_row *row, const struct lm_ehabi_reader *stack,
                                    struct lm_ehabi_registers *r);

/* ---- code ---- */

/*
 * Is PC where a signal handler returns to? Then the bytes from the stack pointer to the registers that the kernel
 * saved; else 0.
 */
uint32_t lm_ehabi_sigreturn(const struct lm_ehabi_reader *reader, uint32_t pc);

/*
 * Is there a call in front of PC? 1, 0, or -1: the code there can't be read. TARGET is where it goes, or 0: by a
 * register, or the bytes are a call in Thumb code as well as in ARM code.
 */
int lm_ehabi_call(const struct lm_ehabi_reader *reader, uint32_t pc, uint32_t *target);

#endif
