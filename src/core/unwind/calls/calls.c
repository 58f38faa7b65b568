/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See calls.h. */
#include "calls.h"

#include <stddef.h>

#include "machine.h"
#include "module.h"
#include "trim.h"

uintptr_t lm_calls_cache[1 << LM_CALLS_CACHE_BITS];

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

void lm_calls_flush(void)
{
	for (size_t i = 0; i < sizeof lm_calls_cache / sizeof lm_calls_cache[0]; i++)
		lm_store(&lm_calls_cache[i], 0);
}
