/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Masks interrupts, and tells which one runs, by the processor's own means. */
#ifndef LM_INTERRUPTS_H
#define LM_INTERRUPTS_H

#include <stdint.h>

#if defined __ARM_ARCH_PROFILE && __ARM_ARCH_PROFILE == 'M'

static inline uintptr_t lm_interrupts_mask(void)
{
	uintptr_t before;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before) : : "memory");
	return before;
}

static inline void lm_interrupts_restore(uintptr_t before)
{
	__asm__ volatile("msr primask, %0" : : "r"(before) : "memory");
}

/* The number of the exception that runs, 0 in a thread. */
static inline uintptr_t lm_interrupts_current(void)
{
	uintptr_t number;

	__asm__ volatile("mrs %0, ipsr" : "=r"(number));
	return number;
}

/* Where the vectors are: the stack pointer that the chip began with, then addresses of code. */
#if __ARM_ARCH >= 7 || defined __ARM_ARCH_8M_BASE__
#define LM_VECTORS (*(volatile uintptr_t *)0xe000ed08)
#else
#define LM_VECTORS ((uintptr_t)0)
#endif
static inline uintptr_t lm_interrupts_vectors(void)
{
	return LM_VECTORS;
}

static inline uintptr_t lm_interrupts_first_stack(void)
{
	uintptr_t vectors = lm_interrupts_vectors();

	/* The compiler must not know that it may be 0. */
	__asm__("" : "+r"(vectors));
	return *(const volatile uintptr_t *)vectors;
}
#define LM_HAS_FIRST_STACK

/* The oldest Thumb code can't. */
#elif defined __arm__ && (__ARM_ARCH >= 6 || !defined __thumb__)

#define LM_CPSR_MASKED 0x80u
#define LM_CPSR_MODE   0x1fu
#define LM_CPSR_USER   0x10u
#define LM_CPSR_SYSTEM 0x1fu
#define LM_CPSR_SVC    0x13u

#if __ARM_ARCH < 6
static inline uintptr_t lm_interrupts_mask(void)
{
	uintptr_t before, masked;

	__asm__ volatile("mrs %0, cpsr\n\torr %1, %0, #0x80\n\tmsr cpsr_c, %1"
	                 : "=r"(before), "=&r"(masked)
	                 :
	                 : "memory");
	return before;
}

static inline void lm_interrupts_restore(uintptr_t before)
{
	__asm__ volatile("msr cpsr_c, %0" : : "r"(before) : "memory");
}
#else
/* In two instructions that Thumb has, too, since the sixth architecture. */
static inline uintptr_t lm_interrupts_mask(void)
{
	uintptr_t before;

	__asm__ volatile("mrs %0, cpsr\n\tcpsid i" : "=r"(before) : : "memory");
	return before;
}

static inline void lm_interrupts_restore(uintptr_t before)
{
	if (!(before & LM_CPSR_MASKED))
		__asm__ volatile("cpsie i" : : : "memory");
}
#endif

/* Each mode of the processor that an interrupt or a fault has. Programs run in one of the other three. */
static inline uintptr_t lm_interrupts_current(void)
{
	uintptr_t mode;

	__asm__ volatile("mrs %0, cpsr" : "=r"(mode));
	mode &= LM_CPSR_MODE;
	return mode == LM_CPSR_USER || mode == LM_CPSR_SYSTEM || mode == LM_CPSR_SVC ? 0 : mode;
}

#elif defined __riscv

/* Every chip has these instructions, whether the compiler was told or not. */
#ifdef __riscv_zicsr
#define LM_ZICSR(code) code
#else
#define LM_ZICSR(code) ".option push\n\t.option arch, +zicsr\n\t" code "\n\t.option pop"
#endif

static inline uintptr_t lm_interrupts_mask(void)
{
	uintptr_t before;

	__asm__ volatile(LM_ZICSR("csrrci %0, mstatus, 8") : "=r"(before) : : "memory");
	return before & 8;
}

static inline void lm_interrupts_restore(uintptr_t before)
{
	__asm__ volatile(LM_ZICSR("csrs mstatus, %0") : : "r"(before) : "memory");
}

/* No register tells. A program whose handlers allocate says so itself: log_malloc_port_interrupt(). */
static inline uintptr_t lm_interrupts_current(void)
{
	return 0;
}

#else

#define LM_INTERRUPTS_UNKNOWN

static inline uintptr_t lm_interrupts_mask(void)
{
	return 0;
}

static inline void lm_interrupts_restore(uintptr_t before)
{
	(void)before;
}

static inline uintptr_t lm_interrupts_current(void)
{
	return 0;
}

#endif

#ifndef LM_HAS_FIRST_STACK
/* Not known: 0. */
static inline uintptr_t lm_interrupts_vectors(void)
{
	return 0;
}

static inline uintptr_t lm_interrupts_first_stack(void)
{
	return 0;
}
#endif

/* The largest memory that a chip has in one piece. */
#define LM_MEMORY_MAX ((uintptr_t)1 << 20)

#endif
