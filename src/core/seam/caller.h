/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Where an intercepted function was called from, read in its entry point. With
 * the caller's registers known, unwinding starts at the caller itself. So there
 * are no frames of the tracker to skip, in either flavour.
 */
#ifndef LM_CALLER_H
#define LM_CALLER_H

#include <stdint.h>

struct lm_caller {
	uintptr_t pc; /* the return address */
	uintptr_t sp; /* the stack pointer after the return */
	uintptr_t fp; /* the frame pointer register; an address only if the caller uses it as one */
};

/*
 * The stack pointer that the caller called with. gcc tells the CFA on every machine. It lies, on s390x, above the room
 * that the caller leaves for our registers. clang tells something else on some machines: there, the frame pointer has a
 * fixed distance from it, or clang has another builtin.
 */
#if defined __clang__ && defined __aarch64__
#define LM_CALLER_SP() ((uintptr_t)__builtin_sponentry())
#elif defined __clang__ && defined __arm__
#define LM_CALLER_SP() ((uintptr_t)__builtin_frame_address(0) + 8)
#elif defined __clang__ && defined __riscv
#define LM_CALLER_SP() ((uintptr_t)__builtin_frame_address(0))
#elif !defined __clang__ && defined __s390x__
#define LM_CALLER_SP() ((uintptr_t)__builtin_dwarf_cfa() - 160)
#else
#define LM_CALLER_SP() ((uintptr_t)__builtin_dwarf_cfa())
#endif

/* On ARM and MIPS, the lowest bit of a return address tells how the code is encoded. It is no part of the address. */
#if defined __arm__ || defined __mips__
#define LM_CALLER_PC() ((uintptr_t)__builtin_return_address(0) & ~(uintptr_t)1)
#else
#define LM_CALLER_PC() ((uintptr_t)__builtin_return_address(0))
#endif

/*
 * Where our own frame pointer points, or near it, the caller's was saved. On machines that are not named here, it is an
 * address that means nothing, and an unwinder has to find out by itself.
 */
#if defined __riscv
#define LM_CALLER_FP() (((const uintptr_t *)__builtin_frame_address(0))[-2])
#else
#define LM_CALLER_FP() (*(const uintptr_t *)__builtin_frame_address(0))
#endif

/* To be used in the entry point itself, since the builtins are about the function that contains them. */
#define LM_CALLER_HERE()                                                                                               \
	{                                                                                                              \
		.pc = LM_CALLER_PC(), .sp = LM_CALLER_SP(), .fp = LM_CALLER_FP()                                       \
	}

#endif
