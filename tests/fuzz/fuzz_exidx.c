/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The unwind tables of 32-bit ARM. The input is a module and a stack: an index, what it
 * points to, code, and what was pushed. Whatever they say, a walk ends, reads only
 * there, and goes the same way by a function's codes and by the row that they are
 * packed into.
 */
#include "fuzz.h"

#include "codes.h"
#include "step.h"

enum { AT = 0x10000, INDEX_SIZE = 64, STEPS = 20, READS_MAX = 40000 };

struct input {
	const uint8_t *data;
	uint32_t len;
};

static unsigned reads;

static int read_input(const void *from, void *to, uint32_t address, uint32_t size)
{
	const struct input *input = from;

	fuzz_assert(++reads < READS_MAX);
	if (address < AT || address - AT > input->len || size > input->len - (address - AT))
		return -1;
	memcpy(to, input->data + (address - AT), size);
	return 0;
}

static int read_stack(const void *from, void *to, uint32_t address, uint32_t size)
{
	return address % 4 ? -1 : read_input(from, to, address, size);
}

/* Both ways lead to the same caller, if there is a row. */
static void compare(const struct lm_ehabi_row *row, const struct lm_ehabi_reader *stack, struct lm_ehabi_registers r,
                    enum lm_ehabi_result result, const struct lm_ehabi_registers *caller)
{
	enum lm_ehabi_result by_row;

	if ((row->how & LM_EHABI_KIND) != LM_EHABI_USUAL) {
		fuzz_assert(row->how == LM_EHABI_OTHER || result == LM_EHABI_ENDED);
		return;
	}
	by_row = lm_ehabi_apply(row, stack, &r);
	/* Arguments are not popped by a row: they may lie where nothing can be read. */
	fuzz_assert(by_row == result || (by_row == LM_EHABI_STEPPED && result == LM_EHABI_ENDED));
	for (unsigned i = 4; i < 16 && result == LM_EHABI_STEPPED; i++)
		fuzz_assert(r.r[i] == caller->r[i]);
}

static enum lm_ehabi_result step(const struct lm_ehabi_reader *tables, const struct lm_ehabi_reader *stack,
                                 struct lm_ehabi_registers *r)
{
	const struct lm_ehabi_index index = {.at = AT, .size = INDEX_SIZE};
	struct lm_ehabi_registers before = *r;
	struct lm_ehabi_codes codes;
	enum lm_ehabi_result result;
	struct lm_ehabi_row row = {.how = LM_EHABI_SIGNAL};
	uint32_t target;

	row.moves = lm_ehabi_sigreturn(tables, r->r[LM_EHABI_PC]);
	if (row.moves)
		return lm_ehabi_apply(&row, stack, r);
	lm_ehabi_call(tables, r->r[LM_EHABI_PC], &target);
	if (lm_ehabi_find(tables, &index, r->r[LM_EHABI_PC], &codes) != 0)
		return LM_EHABI_ENDED;
	result = lm_ehabi_run(&codes, stack, r);
	if (lm_ehabi_find(tables, &index, before.r[LM_EHABI_PC], &codes) != 0)
		return LM_EHABI_ENDED;
	row = lm_ehabi_pack(&codes);
	compare(&row, stack, before, result, r);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	void *copy = fuzz_copy(data, len);
	const struct input input = {.data = copy, .len = (uint32_t)len};
	const struct lm_ehabi_reader tables = {read_input, &input}, stack = {read_stack, &input};
	struct lm_ehabi_registers r = {.known = LM_EHABI_ALL, .exact = 1};

	reads = 0;
	for (uint32_t i = 0; i < 16; i++)
		r.r[i] = AT + INDEX_SIZE + 8 * i;
	for (unsigned i = 0; i < STEPS && step(&tables, &stack, &r) == LM_EHABI_STEPPED; i++)
		fuzz_assert((r.r[LM_EHABI_PC] & 1) == 0 && r.known & LM_EHABI_BIT(LM_EHABI_SP));
	free(copy);
	return 0;
}
