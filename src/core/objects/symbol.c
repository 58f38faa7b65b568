/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See symbol.h. */
#include "symbol.h"

#include "arena.h"
#include "atomic.h"
#include "chains.h"
#include "frametable.h"
#include "static_names.h"
#include "symtab.h"

#define TABLE_BITS 14
#define FEW_BITS   10

/* All frames, by pc. */
static struct lm_link *table[1 << TABLE_BITS];
static struct lm_chains frames = {.bits = TABLE_BITS, .first = table};
static unsigned last_number;

/* The table of the same file, if it was opened when the file lay at another address. So reloading costs no memory. */
static const struct lm_symtab *opened_before(const struct lm_module *module)
{
	for (const struct lm_module *other = lm_module_first(); other; other = other->next) {
		const struct lm_symtab *symtab = lm_load_acquire(&other->symbols);

		if (symtab && lm_loaded_is_same_file(&module->loaded, &other->loaded))
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
		uintptr_t offset = pc - module->loaded.bias;

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

/* The name of the function that a stripped static program has at ADDRESS, and its *START; or NULL. */
static const char *name_without_symbols(const struct lm_module *module, uint64_t address, uint64_t *start)
{
	const struct lm_static_name *known = lm_static_names();
	uintptr_t pc = module->loaded.bias + (uintptr_t)address, begin;

	/* The table is about the program, which stays as long as the process. */
	if (!known || module->loaded.handle || !lm_frametable_find(&module->loaded, pc, &begin))
		return NULL;
	for (; known->name; known++) {
		if ((uintptr_t)known->function != begin)
			continue;
		*start = begin - module->loaded.bias;
		return known->name;
	}
	return NULL;
}

static const char *name_of(struct lm_module *module, uint64_t address, uint64_t *start)
{
	const char *name = lm_symtab_find(symbols_of(module), address, start);

	return name ? name : name_without_symbols(module, address, start);
}

static struct lm_frame *made(uintptr_t pc, struct lm_module *module, unsigned generation)
{
	const char *name = NULL;
	uint64_t start = 0;
	struct lm_frame *frame;
	struct lm_text text;
	size_t room = 64;

	if (module) {
		name = name_of(module, pc - 1 - module->loaded.bias, &start);
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
	frame->number = lm_add(&last_number, 1);
	frame->length = (unsigned)(text.at - frame->text);
	return frame;
}

/* Is the text still right? An object may have come where there was none, and the known one may have gone. */
static int is_valid(const struct lm_frame *frame)
{
	if (!frame->module)
		return lm_load(&frame->generation) == lm_module_generation();
	return !lm_load(&frame->module->gone);
}

static uint64_t hash_of(uintptr_t pc)
{
	return pc * UINT64_C(0x9e3779b97f4a7c15);
}

static int is_right(struct lm_link *link, const void *pc)
{
	const struct lm_frame *frame = (const struct lm_frame *)link;

	return frame->pc == (uintptr_t)pc && is_valid(frame);
}

static int is_alike(struct lm_link *link, const void *like)
{
	const struct lm_frame *frame = (const struct lm_frame *)link, *other = like;

	return frame->pc == other->pc && frame->module == other->module;
}

/* The frame of PC that is right as it is, or NULL. */
static struct lm_frame *listed(uintptr_t pc)
{
	return (struct lm_frame *)lm_chains_find(&frames, hash_of(pc), is_right, (const void *)pc);
}

/* The frame of PC that was made when PC lay in MODULE, or in none, and is right again; or NULL. */
static struct lm_frame *listed_of(uintptr_t pc, struct lm_module *module, unsigned generation)
{
	const struct lm_frame like = {.pc = pc, .module = module};
	struct lm_frame *frame = (struct lm_frame *)lm_chains_find(&frames, hash_of(pc), is_alike, &like);

	if (frame)
		lm_store(&frame->generation, generation);
	return frame;
}

struct lm_frame *lm_symbol_frame(uintptr_t pc)
{
	struct lm_frame *frame = listed(pc);
	struct lm_module *module;
	struct lm_link **place;
	unsigned generation;

	if (frame)
		return frame;
	generation = lm_module_generation();
	/* A call can be the last instruction of its function. So the call itself is looked up, not its return address.
	 */
	module = lm_module_find(pc - 1);
	if (module && !module->name)
		module = NULL;
	frame = listed_of(pc, module, generation);
	if (frame)
		return frame;
	frame = made(pc, module, generation);
	if (!frame)
		return NULL;
	do
		place = lm_chains_place(&frames, hash_of(pc), &frame->link.next);
	while (!lm_compare_exchange(place, &frame->link.next, &frame->link));
	return frame;
}

int lm_symbol_function(uintptr_t pc, uintptr_t *start)
{
	struct lm_module *module = lm_module_known(pc);
	uint64_t begin;

	if (!module || !name_of(module, pc - module->loaded.bias, &begin))
		return -1;
	*start = module->loaded.bias + (uintptr_t)begin;
	return 0;
}

/* ---- frames that were guessed: few ---- */

struct guess {
	struct lm_link link;
	uintptr_t pc;
	unsigned told; /* the TRACE that tells it */
};

#define GUESSES_BITS 6

static struct lm_link *guess_table[1 << GUESSES_BITS];
static struct lm_chains guesses = {.bits = GUESSES_BITS, .first = guess_table};
/* The traces that this memory has seen: each child of fork that writes one begins another. */
static unsigned trace = 1;
int lm_symbol_has_guesses;

static int is_guess(struct lm_link *link, const void *pc)
{
	return ((const struct guess *)link)->pc == (uintptr_t)pc;
}

static struct guess *guess_of(uintptr_t pc)
{
	if (!lm_load(&lm_symbol_has_guesses))
		return NULL;
	return (struct guess *)lm_chains_find(&guesses, hash_of(pc), is_guess, (const void *)pc);
}

void lm_symbol_guess(uintptr_t pc)
{
	struct guess *guess;
	struct lm_link **place;

	if (guess_of(pc))
		return;
	guess = lm_arena_alloc(sizeof *guess);
	if (!guess)
		return;
	guess->pc = pc;
	/* Two threads may add the same one. The first that is found counts. */
	do
		place = lm_chains_place(&guesses, hash_of(pc), &guess->link.next);
	while (!lm_compare_exchange(place, &guess->link.next, &guess->link));
	lm_store_release(&lm_symbol_has_guesses, 1);
}

int lm_symbol_is_untold_guess(uintptr_t pc)
{
	const struct guess *guess = guess_of(pc);

	return guess && lm_load(&guess->told) != lm_load(&trace);
}

void lm_symbol_guess_told(uintptr_t pc)
{
	struct guess *guess = guess_of(pc);

	if (guess)
		lm_store(&guess->told, lm_load(&trace));
}

void lm_symbol_renew(void)
{
	lm_add(&trace, 1);
}

void lm_symbol_begin(int few)
{
	frames.bits = few ? FEW_BITS : TABLE_BITS;
}

void lm_symbol_release(void)
{
	/* Some modules share their table. */
	for (const struct lm_module *module = lm_module_first(); module; module = module->next) {
		if (module->symbols)
			lm_symtab_close(module->symbols);
	}
	lm_chains_clear(&frames);
	lm_chains_clear(&guesses);
	last_number = 0;
	lm_symbol_has_guesses = 0;
}
