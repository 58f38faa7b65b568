/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For programs that are looked into: what their functions left behind is overwritten, and they stay as they are if
 * STAY is set. Under memcheck they end, and it looks then.
 */
#ifndef STAY_H
#define STAY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Overwrites the stack below its caller, and the registers that functions need not preserve. */
static __attribute__((noinline, unused)) void forget(void)
{
	char stack[16384];

	memset(stack, 0, sizeof stack);
	__asm__ volatile("" : : "r"(stack) : "memory");
}

static __attribute__((unused)) void stay(void)
{
	forget();
	printf("ready\n");
	fflush(stdout);
	forget();
	if (getenv("STAY")) {
		alarm(60);
		pause();
	}
}

#endif
