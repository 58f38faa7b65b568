/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. 32-bit ARM. */
#include "machine.h"

#include <stddef.h>

#include "step.h"

/* Code that was read already. */
struct code {
	const uint8_t *bytes;
	uint32_t at, size;
};

static int read_bytes(const void *from, void *to, uint32_t address, uint32_t size)
{
	const struct code *code = from;

	if (address - code->at > code->size || size > code->size - (address - code->at))
		return -1;
	__builtin_memcpy(to, code->bytes + (address - code->at), size);
	return 0;
}

enum lm_branch lm_machine_branch(const uint8_t *bytes, uintptr_t pc, uintptr_t *target)
{
	const struct code code = {.bytes = bytes, .at = pc - LM_MACHINE_BEFORE, .size = LM_MACHINE_BEFORE};
	const struct lm_ehabi_reader reader = {.read = read_bytes, .from = &code};
	uint32_t address;

	if (lm_ehabi_call(&reader, pc, &address) != 1)
		return LM_BRANCH_NONE;
	*target = address;
	return address ? LM_BRANCH_DIRECT : LM_BRANCH_INDIRECT;
}

/* So far from the stack pointer the kernel saved r0 to r15. */
#define SAVED_AT(offset)                                                                                               \
	{                                                                                                              \
		.pc = (offset) + 4 * LM_EHABI_PC, .sp = (offset) + 4 * LM_EHABI_SP, .fp = (offset) + 4 * 11,           \
		.ra = (offset) + 4 * LM_EHABI_LR                                                                       \
	}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *bytes)
{
	static const struct lm_machine_frame frame = SAVED_AT(32), rt_frame = SAVED_AT(160);
	const struct code code = {.bytes = bytes, .size = LM_MACHINE_BEHIND};
	const struct lm_ehabi_reader reader = {.read = read_bytes, .from = &code};
	uint32_t at = lm_ehabi_sigreturn(&reader, 0);

	if (!at)
		return NULL;
	return at + 4 * LM_EHABI_PC == frame.pc ? &frame : &rt_frame;
}
