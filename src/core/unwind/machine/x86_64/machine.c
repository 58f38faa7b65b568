/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. x86-64. */
#include "machine.h"

#include <stddef.h>

#include "x86.h"

/* The address that is encoded at CODE, as the distance from END. */
static uintptr_t word_at(const uint8_t *code, uintptr_t end)
{
	int32_t by;

	__builtin_memcpy(&by, code, sizeof by);
	return end + (uintptr_t)(intptr_t)by;
}

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	enum lm_branch branch = lm_x86_branch(code + LM_MACHINE_BEFORE, pc, target);
	const uint8_t *call = code + LM_MACHINE_BEFORE - 6;

	/* call *rel32(%rip) */
	if (branch != LM_BRANCH_INDIRECT || call[0] != 0xff || call[1] != 0x15)
		return branch;
	*target = word_at(call + 2, pc);
	return LM_BRANCH_POINTER;
}

uintptr_t lm_machine_linkage(const uint8_t *code, uintptr_t pc)
{
	static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = 0;

	/* endbr64, which may be missing; bnd, likewise; jmp *rel32(%rip) */
	if (__builtin_memcmp(code, endbr, sizeof endbr) == 0)
		at += sizeof endbr;
	at += code[at] == 0xf2;
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return 0;
	return word_at(code + at + 2, pc + at + 6);
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/* mov $SYS_rt_sigreturn, %rax; syscall */
	static const uint8_t sigreturn[LM_MACHINE_BEHIND] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};
	/* In a ucontext_t. */
	static const struct lm_machine_frame frame = {.pc = 168, .sp = 160, .fp = 120};

	return __builtin_memcmp(code, sigreturn, sizeof sigreturn) == 0 ? &frame : NULL;
}

LM_MACHINE_STORES("	movq %rbx, 3*8(%rdi)\n"
                  "	movq %rbp, 6*8(%rdi)\n"
                  "	leaq 8(%rsp), %rax\n"
                  "	movq %rax, 7*8(%rdi)\n"
                  "	movq %r12, 12*8(%rdi)\n"
                  "	movq %r13, 13*8(%rdi)\n"
                  "	movq %r14, 14*8(%rdi)\n"
                  "	movq %r15, 15*8(%rdi)\n"
                  "	movq (%rsp), %rax\n"
                  "	movq %rax, 16*8(%rdi)\n"
                  "	ret\n");
