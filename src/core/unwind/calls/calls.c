/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See calls.h. */
#include "calls.h"

#include <stddef.h>

#include "machine.h"
#include "map.h"
#include "module.h"
#include "symbol.h"
#include "trim.h"

uintptr_t lm_calls_cache[1 << LM_CALLS_CACHE_BITS];

/* A function that has no name is taken to be no longer, in bytes. */
#define NAMELESS_MAX ((uintptr_t)16 << 10)

int lm_calls_look(uintptr_t pc)
{
	uint8_t code[LM_MACHINE_BEFORE > LM_MACHINE_BEHIND ? LM_MACHINE_BEFORE : LM_MACHINE_BEHIND];
	const struct lm_module *module;
	uintptr_t target;

	/* What is no address in the program is looked for among libc's objects. */
	if (!pc || !lm_unwind_ready())
		return 0;
	module = lm_module_find(pc - 1);
	if (!module)
		return 0;
	if ((lm_image_read(&module->loaded.image, code, pc - LM_MACHINE_BEFORE, LM_MACHINE_BEFORE) != 0 ||
	     lm_machine_branch(code, pc, &target) == LM_BRANCH_NONE) &&
	    (lm_image_read(&module->loaded.image, code, pc, LM_MACHINE_BEHIND) != 0 || !lm_machine_handler(code)))
		return 0;
	lm_store(lm_calls_place(pc), pc);
	return 1;
}

/* ---- of which function? ---- */

#define FITS_BITS 11

/* CHECK is made of all three, so that what two threads wrote at once does not match. */
static struct pair {
	uintptr_t pc, check;
} pairs[1 << FITS_BITS];

static uint64_t hash_of(uintptr_t pc, uintptr_t callee)
{
	return (pc ^ callee * UINT64_C(0xbf58476d1ce4e5b9)) * UINT64_C(0x9e3779b97f4a7c15);
}

static uintptr_t check_of(uint64_t hash, enum lm_fit fit)
{
	return (uintptr_t)(hash >> 8) * 8 + fit + 1;
}

/* Does the word at PLACE in IMAGE have the address of the function that begins at START? */
static int leads_to(const struct lm_image *image, uintptr_t place, uintptr_t start)
{
	uintptr_t target;

	return lm_image_read(image, &target, place, sizeof target) == 0 && target - start <= LM_MACHINE_LOCAL_ENTRY;
}

static int is_linkage_to(const struct lm_image *image, uintptr_t entry, uintptr_t start)
{
	uint8_t code[LM_MACHINE_LINKAGE];
	uintptr_t place = 0;

	if (lm_image_read(image, code, entry, sizeof code) == 0)
		place = lm_machine_linkage(code, entry);
	return place && leads_to(image, place, start);
}

/* The target of a direct call: the function that CALLEE lies in? */
static enum lm_fit target_fit(const struct lm_image *image, uintptr_t target, uintptr_t callee)
{
	uintptr_t start, other;

	if (lm_symbol_function(callee, &start) == 0) {
		if (target - start <= LM_MACHINE_LOCAL_ENTRY || is_linkage_to(image, target, start))
			return LM_FIT_SURE;
		/* It may be an entry of a procedure linkage table, which is no function that has a name. */
		if (lm_symbol_function(target, &other) == 0 && target - other <= LM_MACHINE_LOCAL_ENTRY)
			return LM_FIT_OTHER;
		return LM_FIT_MAYBE;
	}
	/* Functions without names: at least, no other one begins in between. */
	if (lm_symbol_function(target, &other) == 0 || target > callee || callee - target > NAMELESS_MAX)
		return LM_FIT_OTHER;
	return LM_FIT_MAYBE;
}

static enum lm_fit look_for_fit(uintptr_t pc, uintptr_t callee)
{
	const struct lm_module *module = lm_module_known(pc - 1);
	uint8_t code[LM_MACHINE_BEFORE];
	uintptr_t target, start;

	if (!module || lm_image_read(&module->loaded.image, code, pc - sizeof code, sizeof code) != 0)
		return LM_FIT_NOT;
	switch (lm_machine_branch(code, pc, &target)) {
	case LM_BRANCH_DIRECT:
		return target_fit(&module->loaded.image, target, callee);
	case LM_BRANCH_POINTER:
		/* It may have had another address before. */
		if (lm_symbol_function(callee, &start) == 0 && leads_to(&module->loaded.image, target, start))
			return LM_FIT_SURE;
		return LM_FIT_MAYBE;
	case LM_BRANCH_INDIRECT:
		return LM_FIT_MAYBE;
	default:
		return LM_FIT_NOT;
	}
}

enum lm_fit lm_calls_fit(uintptr_t pc, uintptr_t callee)
{
	uint64_t hash = hash_of(pc, callee);
	struct pair *pair = &pairs[hash >> (64 - FITS_BITS)];
	uintptr_t check = lm_load(&pair->check);
	enum lm_fit fit;

	/* Most words of a stack are nothing like it. */
	if (!pc || !lm_module_known(pc - 1))
		return LM_FIT_NOT;
	for (fit = LM_FIT_NOT; fit <= LM_FIT_SURE; fit++) {
		if (check == check_of(hash, fit) && lm_load(&pair->pc) == pc)
			return fit;
	}
	fit = look_for_fit(pc, callee);
	lm_store(&pair->pc, pc);
	lm_store(&pair->check, check_of(hash, fit));
	return fit;
}

/* Before libc has its list of objects, it can't be asked for an address that is none. */
void lm_calls_meet(uintptr_t pc)
{
	if (pc && lm_unwind_ready())
		lm_module_find(pc - 1);
}

void lm_calls_flush(void)
{
	lm_sys_clear(lm_calls_cache, sizeof lm_calls_cache);
	lm_sys_clear(pairs, sizeof pairs);
}
