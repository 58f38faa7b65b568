/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The unwind tables of 32-bit ARM ("Exception Handling ABI for the Arm
 * Architecture", IHI 0038): from a pc to the byte codes of its function, and from
 * those to operations on a virtual stack pointer.
 *
 * Nothing in this folder asks what machine it runs on. An address is a number of
 * 32 bits, and whoever calls says how to read there. The tables are input: what
 * they point to can be anything, and every loop ends with the function's entry.
 */
#ifndef LM_EHABI_CODES_H
#define LM_EHABI_CODES_H

#include <stdint.h>

/* Copies SIZE bytes from ADDRESS, of any alignment. 0, or -1: there is nothing that may be read. */
struct lm_ehabi_reader {
	int (*read)(const void *from, void *to, uint32_t address, uint32_t size);
	const void *from;
};

/* The section .ARM.exidx: its address and its bytes. */
struct lm_ehabi_index {
	uint32_t at, size;
};

/* What is left of a function's byte codes. */
struct lm_ehabi_codes {
	const struct lm_ehabi_reader *reader;
	uint32_t start; /* of the function; 0: not known */
	uint32_t word;  /* the next LEFT bytes, the first one in the highest byte */
	unsigned left;
	uint32_t at; /* of the WORDS that come then */
	unsigned words;
};

/*
 * Finds the codes of the function that PC lies in. The table does not tell where a function ends. 0, or -1: there are
 * none, or the function can't be unwound; CODES->start is set where the table has the function.
 */
int lm_ehabi_find(const struct lm_ehabi_reader *reader, const struct lm_ehabi_index *index, uint32_t pc,
                  struct lm_ehabi_codes *codes);

enum lm_ehabi_what {
	LM_EHABI_ADD,    /* VALUE to the virtual stack pointer, modulo 2^32 */
	LM_EHABI_SET,    /* it to the register VALUE */
	LM_EHABI_POP,    /* the registers of the mask VALUE, the lowest one from the lowest address */
	LM_EHABI_FINISH, /* it is the caller's stack pointer */
	LM_EHABI_REFUSE, /* the function can't be unwound, or the codes have no meaning */
};

struct lm_ehabi_operation {
	enum lm_ehabi_what what;
	uint32_t value;
};

/* The next operation. Behind the last one, there is LM_EHABI_FINISH. */
struct lm_ehabi_operation lm_ehabi_next(struct lm_ehabi_codes *codes);

#endif
