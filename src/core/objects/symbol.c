/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See symbol.h. */
#include "symbol.h"

#include "arena.h"
#include "atomic.h"
#include "symtab.h"

#define TABLE_BITS 14

/* Chains of frames by pc; they only grow, at the front. */
static struct lm_frame *table[1 << TABLE_BITS];

/* The table of the same file, if it was opened when the file lay at another address. So reloading costs no memory. */
static const struct lm_symtab *opened_before(const struct lm_module *module)
{
	for (const struct lm_module *other = lm_module_first(); other; other = other->next) {
		const struct lm_symtab *symtab = lm_load_acquire(&other->symbols);

		if (symtab && module->build_id_size && lm_module_is_same_build(module, other))
			return symtab;
	}
	return NULL;
}

static const struct lm_symtab *symbols_of(struct lm_module *module)
{
	void *symtab = lm_load_acquire(&module->symbols);
	const struct lm_symtab *opened;

	if (symtab)
		return symtab;
	opened = opened_before(module);
	if (opened) {
		lm_store_release(&module->symbols, (void *)opened);
		return opened;
	}
	opened = lm_symtab_open(module);
	if (lm_compare_exchange(&module->symbols, &symtab, (void *)opened))
		return opened;
	lm_symtab_close(opened);
	return symtab;
}

/* OBJECT( ... ) or nothing, then [0xADDRESS]. */
static void put_frame(struct lm_text *text, uintptr_t pc, struct lm_module *module, const char *name, uint64_t start)
{
	if (module) {
		uintptr_t offset = pc - module->bias;

		lm_text_string(text, module->name);
		lm_text_char(text, '(');
		if (name)
			lm_text_string(text, name);
		lm_text_string(text, "+0x");
		lm_text_hex(text, name ? offset - start : offset);
		lm_text_char(text, ')');
	}
	lm_text_string(text, "[0x");
	lm_text_hex(text, pc);
	lm_text_string(text, "]\n");
}

static struct lm_frame *made(uintptr_t pc)
{
	struct lm_module *module;
	unsigned generation;
	const char *name = NULL;
	uint64_t start = 0;
	struct lm_frame *frame;
	struct lm_text text;
	size_t room = 64;

	/* A call can be the last instruction of its function. So the call itself is looked up, not where it returns to.
	 */
	module = lm_module_find(pc - 1);
	generation = lm_module_generation();
	if (module && !module->name)
		module = NULL;
	if (module) {
		name = lm_symtab_find(symbols_of(module), pc - 1 - module->bias, &start);
		room += __builtin_strlen(module->name) + (name ? __builtin_strlen(name) : 0);
	}
	frame = lm_arena_alloc(sizeof *frame + room + LM_FRAME_SLACK);
	if (!frame)
		return NULL;
	text = (struct lm_text){frame->text, frame->text + room};
	put_frame(&text, pc, module, name, start);
	frame->pc = pc;
	frame->module = module;
	frame->generation = generation;
	frame->length = (unsigned)(text.at - frame->text);
	return frame;
}

/* Is the text still right? An object may have come where there was none, and the known one may have gone. */
static int is_valid(const struct lm_frame *frame)
{
	if (!frame->module)
		return frame->generation == lm_module_generation();
	return !lm_load(&frame->module->gone);
}

const struct lm_frame *lm_symbol_frame(uintptr_t pc)
{
	struct lm_frame **slot = &table[(pc * (uintptr_t)0x9e3779b97f4a7c15u) >> (8 * sizeof pc - TABLE_BITS)];
	struct lm_frame *frame;

	for (frame = lm_load_acquire(slot); frame; frame = frame->next) {
		if (frame->pc == pc && is_valid(frame))
			return frame;
	}
	frame = made(pc);
	if (!frame)
		return NULL;
	frame->next = lm_load(slot);
	while (!lm_compare_exchange(slot, &frame->next, frame))
		;
	return frame;
}
