/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of the host, by semihosting: a debugger or an emulator does what the program asks for. A link that real boards
 * have, too, and the simplest one to begin with. It stops the program for as long as the host takes.
 */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SEMIHOST_OPEN = 0x01, SEMIHOST_WRITE = 0x05, SEMIHOST_EXIT = 0x18, SEMIHOST_EXIT_WITH = 0x20 };

#if defined __arm__

static inline uintptr_t semihost(uintptr_t what, const void *arguments)
{
	register uintptr_t r0 __asm__("r0") = what;
	register const void *r1 __asm__("r1") = arguments;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

#elif defined __riscv

static inline uintptr_t semihost(uintptr_t what, const void *arguments)
{
	register uintptr_t a0 __asm__("a0") = what;
	register const void *a1 __asm__("a1") = arguments;

	/* The host looks at all three, which must not lie in two pages. */
	__asm__ volatile(".option push\n\t.balign 16\n\t.option norvc\n\tslli zero, zero, 0x1f\n\tebreak\n\t"
	                 "srai zero, zero, 7\n\t.option pop"
	                 : "+r"(a0)
	                 : "r"(a1)
	                 : "memory");
	return a0;
}

#endif

/* A file to be written. Its handle. */
static inline uintptr_t semihost_open(const char *name)
{
	const uintptr_t arguments[] = {(uintptr_t)name, 5 /* "wb" */, strlen(name)};

	return semihost(SEMIHOST_OPEN, arguments);
}

/* A log_malloc_writer: ARG points to the handle. */
static inline size_t semihost_write(const void *bytes, size_t size, void *arg)
{
	const uintptr_t arguments[] = {*(const uintptr_t *)arg, (uintptr_t)bytes, size};

	return size - semihost(SEMIHOST_WRITE, arguments);
}

/* Ends an emulation. The host's status is 0 if the program has not failed. */
static inline void semihost_exit(int has_failed)
{
	const uintptr_t arguments[] = {has_failed ? (uintptr_t)0x20023 : (uintptr_t)0x20026, 0};

#if UINTPTR_MAX > UINT32_MAX
	semihost(SEMIHOST_EXIT, arguments);
#else
	semihost(SEMIHOST_EXIT, (const void *)arguments[0]);
#endif
	for (;;)
		;
}

#endif
