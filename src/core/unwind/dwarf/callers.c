/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See callers.h. */
#include "callers.h"

#if defined __x86_64__

#include <stddef.h>

#include "module.h"
#include "stack.h"
#include "symbol.h"

/* So many words may lie between the stack pointer and the return address. */
#define SEARCHED_MAX 256

uintptr_t lm_callers_function(uintptr_t pc)
{
	return lm_symbol_function(pc);
}

/* Reads the address that stands at the distance that is encoded at AT, as of the instruction's end. 0: it can't be. */
static uintptr_t target_at(const struct lm_image *image, uintptr_t at)
{
	int32_t distance;

	if (lm_image_read(image, &distance, at, sizeof distance) != 0)
		return 0;
	return at + sizeof distance + (uintptr_t)(intptr_t)distance;
}

static uintptr_t pointer_at(const struct lm_image *image, uintptr_t at)
{
	uintptr_t pointer, place = target_at(image, at);

	return place && lm_image_read(image, &pointer, place, sizeof pointer) == 0 ? pointer : 0;
}

/* An entry of the procedure linkage table jumps by a pointer: endbr64, which may be missing; bnd, likewise; jmp. */
static uintptr_t behind_linkage(const struct lm_image *image, uintptr_t target)
{
	static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa};
	uint8_t code[7];
	size_t at = 0;

	if (lm_image_read(image, code, target, sizeof code) != 0)
		return target;
	if (__builtin_memcmp(code, endbr, sizeof endbr) == 0)
		at += sizeof endbr;
	at += code[at] == 0xf2;
	if (code[at] != 0xff || at + 1 == sizeof code || code[at + 1] != 0x25)
		return target;
	return pointer_at(image, target + at + 2);
}

/* What is called in front of RETURNS, an address in IMAGE; or 0. */
static uintptr_t called_before(const struct lm_image *image, uintptr_t returns)
{
	uintptr_t target;
	uint8_t code[6];

	if (lm_image_read(image, code, returns - sizeof code, sizeof code) != 0)
		return 0;
	/* call rel32, and call *rel32(%rip) */
	if (code[1] == 0xe8) {
		target = target_at(image, returns - 4);
		return target ? behind_linkage(image, target) : 0;
	}
	return code[0] == 0xff && code[1] == 0x15 ? pointer_at(image, returns - 4) : 0;
}

static int fits(const struct lm_image *image, uintptr_t returns, uintptr_t function)
{
	return lm_image_end(image, returns) && called_before(image, returns) == function;
}

int lm_callers_fit(uintptr_t returns, uintptr_t function)
{
	const struct lm_module *module = lm_module_find(function);

	return module && fits(&module->loaded.image, returns, function);
}

/* The stack has words of calls that are over. The first one is the innermost. */
uintptr_t lm_callers_find(uintptr_t from, uintptr_t to, uintptr_t function)
{
	const struct lm_module *module = lm_module_find(function);
	uintptr_t word;

	if ((to - from) / LM_STACK_WORD > SEARCHED_MAX)
		to = from + SEARCHED_MAX * LM_STACK_WORD;
	for (uintptr_t at = from; module && at < to && lm_stack_read(at, &word) == 0; at += LM_STACK_WORD)
		if (fits(&module->loaded.image, word, function))
			return at;
	return 0;
}

#else

uintptr_t lm_callers_function(uintptr_t pc)
{
	(void)pc;
	return 0;
}

int lm_callers_fit(uintptr_t returns, uintptr_t function)
{
	(void)returns;
	(void)function;
	return 0;
}

uintptr_t lm_callers_find(uintptr_t from, uintptr_t to, uintptr_t function)
{
	(void)from;
	(void)to;
	(void)function;
	return 0;
}

#endif
