/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See branch.h. i386. */
#include "machine.h"

#include <stddef.h>

#include "x86.h"

enum lm_branch lm_machine_branch(const uint8_t *code, uintptr_t pc, uintptr_t *target)
{
	return lm_x86_branch(code + LM_MACHINE_BEFORE, pc, target);
}

const struct lm_machine_frame *lm_machine_handler(const uint8_t *code)
{
	/*
	 * pop %eax; mov $SYS_sigreturn, %eax; int $0x80. Behind the signal's number, a struct sigcontext. The
	 * handler's return took the first word of the kernel's structure.
	 */
	static const uint8_t sigreturn[8] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80};
	static const struct lm_machine_frame frame = {.pc = 60, .sp = 32, .fp = 28};
	/* mov $SYS_rt_sigreturn, %eax; int $0x80. Behind three words and a siginfo_t, a ucontext_t. */
	static const uint8_t rt_sigreturn[7] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80};
	static const struct lm_machine_frame rt_frame = {.pc = 216, .sp = 188, .fp = 184};

	if (__builtin_memcmp(code, sigreturn, sizeof sigreturn) == 0)
		return &frame;
	return __builtin_memcmp(code, rt_sigreturn, sizeof rt_sigreturn) == 0 ? &rt_frame : NULL;
}

LM_MACHINE_STORES("	movl 4(%esp), %eax\n"
                  "	movl %ebx, 3*4(%eax)\n"
                  "	leal 4(%esp), %ecx\n"
                  "	movl %ecx, 4*4(%eax)\n"
                  "	movl %ebp, 5*4(%eax)\n"
                  "	movl %esi, 6*4(%eax)\n"
                  "	movl %edi, 7*4(%eax)\n"
                  "	movl (%esp), %ecx\n"
                  "	movl %ecx, 8*4(%eax)\n"
                  "	ret\n");
