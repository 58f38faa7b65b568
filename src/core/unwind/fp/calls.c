/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See calls.h. */
#include "calls.h"

#include <stddef.h>

#include "module.h"
#include "trim.h"

uintptr_t lm_calls_cache[1 << LM_CALLS_CACHE_BITS];

/* The longest call, and the code that a signal handler returns to. */
#define BEFORE 8
#define BEHIND 9

#if defined __x86_64__

/* CODE is in front of the return address. */
static int has_call(const uint8_t *code)
{
	/* call rel32 */
	if (code[BEFORE - 5] == 0xe8)
		return 1;
	/* call by a register or through memory: 0xff, with 2 in the middle of the next byte; 2 to 7 bytes */
	for (unsigned length = 2; length <= 7; length++) {
		const uint8_t *p = code + BEFORE - length;

		if (p[0] == 0xff && (p[1] >> 3 & 7) == 2)
			return 1;
	}
	return 0;
}

/* mov $SYS_rt_sigreturn, %rax; syscall */
static int is_sigreturn(const uint8_t *code)
{
	static const uint8_t sigreturn[BEHIND] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};

	return __builtin_memcmp(code, sigreturn, sizeof sigreturn) == 0;
}

#elif defined __aarch64__

static uint32_t instruction(const uint8_t *code)
{
	uint32_t word;

	__builtin_memcpy(&word, code, sizeof word);
	return word;
}

/* bl, or blr with or without a signature */
static int has_call(const uint8_t *code)
{
	uint32_t word = instruction(code + BEFORE - 4);

	return (word & 0xfc000000) == 0x94000000 || (word & 0xfefff000) == 0xd63f0000;
}

/* mov x8, #SYS_rt_sigreturn; svc #0 */
static int is_sigreturn(const uint8_t *code)
{
	return instruction(code) == 0xd2801168 && instruction(code + 4) == 0xd4000001;
}

#else
#error "UNWIND=fp does not know this machine"
#endif

int lm_calls_look(uintptr_t pc)
{
	uint8_t code[BEFORE > BEHIND ? BEFORE : BEHIND];
	const struct lm_module *module;

	/* What is no address in the program is looked for among libc's objects. */
	if (!pc || !lm_unwind_ready())
		return 0;
	module = lm_module_find(pc - 1);
	if (!module)
		return 0;
	if ((lm_image_read(&module->loaded.image, code, pc - BEFORE, BEFORE) != 0 || !has_call(code)) &&
	    (lm_image_read(&module->loaded.image, code, pc, BEHIND) != 0 || !is_sigreturn(code)))
		return 0;
	lm_store(lm_calls_place(pc), pc);
	return 1;
}

void lm_calls_flush(void)
{
	for (size_t i = 0; i < sizeof lm_calls_cache / sizeof lm_calls_cache[0]; i++)
		lm_store(&lm_calls_cache[i], 0);
}
