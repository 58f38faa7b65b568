/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See rules.h. */
#include "rules.h"

#include <stddef.h>

#include "atomic.h"
#include "module.h"
#include "stack.h"
#include "sys.h"

/* ---- what is read ---- */

/* Of a module, only its own segments. */
static int read_image(const void *from, void *to, uint32_t address, uint32_t size)
{
	return lm_image_read(from, to, address, size);
}

/* Of the stack, only whole words. */
static int read_stack(const void *from, void *to, uint32_t address, uint32_t size)
{
	uintptr_t word;

	(void)from;
	if (lm_stack_read(address, &word) != 0)
		return -1;
	__builtin_memcpy(to, &word, size);
	return 0;
}

static const struct lm_ehabi_reader stack = {.read = read_stack};

/* ---- rows that are kept ---- */

#define CACHE_BITS 12

/* KEY is the pc, mixed with the row: an entry that two threads wrote at once does not match its own row. */
static struct entry {
	uint32_t key, how, moves;
} cache[1 << CACHE_BITS];

static struct entry *place(uint32_t pc)
{
	return &cache[(pc * 0x9e3779b1u) >> (32 - CACHE_BITS)];
}

static uint32_t key_of(uint32_t pc, const struct lm_ehabi_row *row)
{
	return pc ^ row->how * 0x85ebca6bu ^ row->moves * 0xc2b2ae35u;
}

static void keep(uint32_t pc, const struct lm_ehabi_row *row)
{
	struct entry *entry = place(pc);

	lm_store(&entry->how, row->how);
	lm_store(&entry->moves, row->moves);
	lm_store(&entry->key, key_of(pc, row));
}

static int recall(uint32_t pc, struct lm_ehabi_row *row)
{
	const struct entry *entry = place(pc);

	row->how = lm_load(&entry->how);
	row->moves = lm_load(&entry->moves);
	return row->how && lm_load(&entry->key) == key_of(pc, row);
}

void lm_rules_flush(void)
{
	for (size_t i = 0; i < sizeof cache / sizeof cache[0]; i++)
		lm_store(&cache[i].how, 0);
}

/* ---- what is known of a pc ---- */

/* An address in the code that R is at: for a return address, in the call in front of it. */
static uint32_t place_of(const struct lm_ehabi_registers *r)
{
	return r->exact ? r->r[LM_EHABI_PC] : r->r[LM_EHABI_PC] - 1;
}

static int find_codes(const struct lm_module *module, const struct lm_ehabi_reader *reader, uint32_t at,
                      struct lm_ehabi_codes *codes)
{
	const struct lm_ehabi_index index = {.at = module->loaded.exidx, .size = module->loaded.exidx_size};

	return lm_ehabi_find(reader, &index, at, codes);
}

static struct lm_ehabi_row row_of_codes(const struct lm_module *module, const struct lm_ehabi_reader *reader,
                                        const struct lm_ehabi_registers *r)
{
	struct lm_ehabi_row row = {.how = LM_EHABI_END};
	struct lm_ehabi_codes codes;

	if (find_codes(module, reader, place_of(r), &codes) == 0)
		row = lm_ehabi_pack(&codes);
	if (r->exact && codes.start == r->r[LM_EHABI_PC])
		row.how |= LM_RULES_AT_START;
	return row;
}

static struct lm_ehabi_row row_of(const struct lm_module *module, const struct lm_ehabi_registers *r)
{
	const struct lm_ehabi_reader reader = {.read = read_image, .from = &module->loaded.image};
	struct lm_ehabi_row row;
	uint32_t target;

	if (!r->exact) {
		row.moves = lm_ehabi_sigreturn(&reader, r->r[LM_EHABI_PC]);
		row.how = LM_EHABI_SIGNAL;
		if (row.moves)
			return row;
	}
	row = row_of_codes(module, &reader, r);
	if (!r->exact && lm_ehabi_call(&reader, r->r[LM_EHABI_PC], &target) == 0)
		row.how |= LM_RULES_NO_RETURN;
	return row;
}

/*
 * Code that is no module's: where the kernel has put code for handlers to return to, or what a program has made. It may
 * be gone any time, so it is not read but by the kernel.
 */
static struct lm_ehabi_row row_of_other(const struct lm_ehabi_registers *r)
{
	struct lm_ehabi_row row = {.how = LM_EHABI_END};

	if (!lm_sys_readable(place_of(r)))
		row.how |= LM_RULES_NO_RETURN;
	return row;
}

void lm_rules_look(struct lm_rules_frame *frame)
{
	const struct lm_module *module;
	/* What holds for an interrupted instruction is kept for the address behind it, which no call returns to. */
	uint32_t pc = place_of(&frame->r) + 1;

	if (likely(recall(pc, &frame->row)))
		return;
	module = lm_module_find(pc - 1);
	if (!module) {
		frame->row = row_of_other(&frame->r);
		return;
	}
	frame->row = row_of(module, &frame->r);
	keep(pc, &frame->row);
}

/* ---- a step ---- */

/* The codes of the function that FRAME is in are run. */
static enum lm_ehabi_result run(const struct lm_rules_frame *frame, struct lm_ehabi_registers *r)
{
	const struct lm_module *module = lm_module_find(place_of(&frame->r));
	struct lm_ehabi_reader reader = {.read = read_image};
	struct lm_ehabi_codes codes;

	if (!module)
		return LM_EHABI_ENDED;
	reader.from = &module->loaded.image;
	if (find_codes(module, &reader, place_of(&frame->r), &codes) != 0)
		return LM_EHABI_ENDED;
	return lm_ehabi_run(&codes, &stack, r);
}

/*
 * R was found to be FRAME's caller. The tables do not tell where a function ends, so what they say may be about other
 * code. Only an address behind a call is believed. A caller may lie on another stack, above this one or below. So only
 * a step that leads back to where it began is known to be wrong; a longer circle ends with the room for the backtrace.
 */
static enum lm_ehabi_result arrive(struct lm_rules_frame *frame, const struct lm_ehabi_registers *r)
{
	struct lm_rules_frame caller = {.r = *r};
	const uint32_t *from = frame->r.r, *to = r->r;

	if (!to[LM_EHABI_PC] ||
	    (to[LM_EHABI_PC] == from[LM_EHABI_PC] && to[LM_EHABI_SP] == from[LM_EHABI_SP] && !r->exact))
		return LM_EHABI_ENDED;
	lm_rules_look(&caller);
	if (caller.row.how & LM_RULES_NO_RETURN)
		return LM_EHABI_ENDED;
	*frame = caller;
	return LM_EHABI_STEPPED;
}

static enum lm_ehabi_result step_by_tables(struct lm_rules_frame *frame)
{
	struct lm_ehabi_registers r = frame->r;
	enum lm_ehabi_result result;

	switch (frame->row.how & LM_EHABI_KIND) {
	case LM_EHABI_USUAL:
	case LM_EHABI_SIGNAL:
		result = lm_ehabi_apply(&frame->row, &stack, &r);
		break;
	case LM_EHABI_OTHER:
		result = run(frame, &r);
		break;
	default:
		return LM_EHABI_ENDED;
	}
	return result == LM_EHABI_STEPPED ? arrive(frame, &r) : result;
}

/* Where the function that AT lies in begins, as far as the tables can tell; or 0. */
static uint32_t start_of(uint32_t at)
{
	const struct lm_module *module = lm_module_find(at);
	struct lm_ehabi_reader reader = {.read = read_image};
	struct lm_ehabi_codes codes;

	if (!module)
		return 0;
	reader.from = &module->loaded.image;
	find_codes(module, &reader, at, &codes);
	return codes.start;
}

/*
 * Is there no caller where the link register says? What a function's own last call left there lies in the function
 * itself.
 */
static int is_link_stale(const struct lm_rules_frame *frame)
{
	const uint32_t *r = frame->r.r;

	return !(frame->row.how & LM_RULES_AT_START) &&
	       start_of((r[LM_EHABI_LR] & ~1u) - 1) == start_of(r[LM_EHABI_PC]);
}

/* The function has not changed the stack pointer, and its caller is where the link register says. */
static enum lm_ehabi_result step_by_link(struct lm_rules_frame *frame)
{
	struct lm_ehabi_registers r = frame->r;

	if (is_link_stale(frame))
		return LM_EHABI_ENDED;
	r.r[LM_EHABI_PC] = r.r[LM_EHABI_LR] & ~1u;
	r.known = LM_EHABI_PRESERVED | LM_EHABI_BIT(LM_EHABI_SP) | LM_EHABI_BIT(LM_EHABI_PC);
	r.exact = 0;
	return arrive(frame, &r);
}

/*
 * A handler has interrupted the function anywhere. The tables are right in its body; at its first instruction, and in
 * functions that call nothing and have no tables, the link register is.
 */
static enum lm_ehabi_result step_from_interrupted(struct lm_rules_frame *frame)
{
	if (!(frame->row.how & LM_RULES_AT_START) && step_by_tables(frame) == LM_EHABI_STEPPED)
		return LM_EHABI_STEPPED;
	return step_by_link(frame);
}

enum lm_ehabi_result lm_rules_step(struct lm_rules_frame *frame)
{
	return unlikely(frame->r.exact) ? step_from_interrupted(frame) : step_by_tables(frame);
}
