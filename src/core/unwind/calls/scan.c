/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See scan.h. */
#include "scan.h"

#include <stddef.h>

#include "atomic.h"
#include "calls.h"
#include "code.h"
#include "machine.h"
#include "map.h"
#include "module.h"
#include "stack.h"
#include "symbol.h"

/* So far from the stack pointer a return address is looked for, in bytes. */
#define REACH ((uintptr_t)4096)
/* So many times nothing is found at a pc before it is not looked for there any more. */
#define TRIES_MAX 4
/* So many steps by tables are followed at most. */
#define STEPS_MAX 128
/* So many stack pointers and frame pointers are tried for one return address. */
#define POINTERS_MAX 64
#define SAVED_MAX    8

/* ---- what is remembered of a pc ---- */

#define KNOWN_BITS 10

/* Counted in words from the stack pointer. */
struct place {
	unsigned is_found : 1;
	unsigned pc : 10; /* where the return address stands; of what was not found: how often */
	unsigned sp : 11; /* the caller's stack pointer; of what was not found: the last lm_scan_result */
	unsigned fp : 10; /* one more than where its frame pointer stands; 0: it is in the register */
};

_Static_assert(sizeof(struct place) == sizeof(uint32_t), "a place is one word");

/* KEY is the pc, mixed with the place: what two threads wrote at once does not match. */
static struct known {
	uintptr_t key;
	uint32_t place;
} known[1 << KNOWN_BITS];

static uintptr_t key_of(uintptr_t pc, uint32_t place)
{
	return pc ^ (uintptr_t)(place * UINT64_C(0x9e3779b97f4a7c15));
}

static struct known *slot_of(uintptr_t pc)
{
	return &known[(pc * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - KNOWN_BITS)];
}

static struct place recall(uintptr_t pc)
{
	const struct known *slot = slot_of(pc);
	uint32_t word = lm_load(&slot->place);
	struct place place = {0};

	if (lm_load(&slot->key) == key_of(pc, word))
		__builtin_memcpy(&place, &word, sizeof place);
	return place;
}

static void remember(uintptr_t pc, struct place place)
{
	struct known *slot = slot_of(pc);
	uint32_t word;

	__builtin_memcpy(&word, &place, sizeof word);
	lm_store(&slot->place, word);
	lm_store(&slot->key, key_of(pc, word));
}

void lm_scan_flush(void)
{
	lm_sys_clear(known, sizeof known);
}

/* ---- is it the caller? ---- */

/* An address in the function that FRAME is in. */
static uintptr_t inside(const struct lm_scan_frame *frame)
{
	return frame->exact ? frame->pc : frame->pc - 1;
}

/*
 * CALLER fits as FIT says. Do its tables lead on to its own callers, each of which called the one inside of it? What
 * earlier calls left on the stack can look like that for some frames, but not to the end. Where the caller has no
 * tables either, only a call that names the function will do, and a stack pointer that IS_PLAIN: right above the return
 * address. A function that was reached by a jump was called by another name: if not STRICT, that is let pass.
 */
static int is_sound(struct lm_scan_frame caller, enum lm_fit fit, int is_plain, int strict, lm_scan_by_tables *step)
{
	unsigned least = fit == LM_FIT_SURE ? 1 : 2;

	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		uintptr_t callee = inside(&caller);
		enum lm_fit next;

		switch (step(&caller)) {
		case LM_SCAN_CALLER:
			break;
		case LM_SCAN_OUTERMOST:
			return fit == LM_FIT_SURE || steps;
		case LM_SCAN_NO_TABLES:
			return steps >= least || (fit == LM_FIT_SURE && is_plain);
		default:
			return !strict && steps >= least;
		}
		/* A signal interrupted the next one, which called nothing. */
		if (caller.exact)
			return 1;
		/* What tables tell of need not be in an object that was met before. */
		lm_calls_meet(caller.pc);
		next = lm_calls_fit(caller.pc, callee);
		if (next == LM_FIT_NOT || (next == LM_FIT_OTHER && strict))
			return 0;
	}
	return 1;
}

/* What stands right below a return address, or above it, may be the caller's frame pointer, if that points outward. */
static int may_be_fp(uintptr_t value, uintptr_t sp)
{
	return value >= sp && value < lm_stack.high && value % LM_STACK_WORD == 0;
}

/* CALLER has pc and sp. Finds its frame pointer: the register of FRAME, or a word in the frame below SP. 0, or -1. */
static int find_fp(const struct lm_scan_frame *frame, struct lm_scan_frame *caller, enum lm_fit fit, int is_plain,
                   int strict, lm_scan_by_tables *step, struct place *place)
{
	unsigned tried = 0;
	uintptr_t value;

	caller->fp = frame->fp;
	place->fp = 0;
	if (is_sound(*caller, fit, is_plain, strict, step))
		return 0;
	for (uintptr_t at = caller->sp - LM_STACK_WORD; at >= frame->sp && tried < SAVED_MAX; at -= LM_STACK_WORD) {
		if (lm_stack_read(at, &value) != 0 || !may_be_fp(value, caller->sp))
			continue;
		tried++;
		caller->fp = value;
		place->fp = (unsigned)((at - frame->sp) / LM_STACK_WORD + 1) & 1023;
		if (place->fp && is_sound(*caller, fit, is_plain, strict, step))
			return 0;
	}
	return -1;
}

/* The return address of FRAME to CALLER->pc stands AT. Finds the other registers of the caller. 0, or -1. */
static int find_registers(const struct lm_scan_frame *frame, struct lm_scan_frame *caller, uintptr_t at,
                          enum lm_fit fit, int strict, lm_scan_by_tables *step, struct place *place)
{
	uintptr_t sp = at + LM_STACK_WORD - LM_MACHINE_RA_ABOVE;
	unsigned pointers = LM_MACHINE_CALL_PUSHES || LM_MACHINE_RA_ABOVE ? 1 : POINTERS_MAX;

	if (!LM_MACHINE_CALL_PUSHES)
		sp = (sp + LM_MACHINE_SP_ALIGN - 1) & ~(LM_MACHINE_SP_ALIGN - 1);
	if (sp < frame->sp)
		return -1;
	for (unsigned i = 0; i < pointers; i++, sp += LM_MACHINE_SP_ALIGN) {
		caller->sp = sp;
		if (find_fp(frame, caller, fit, i == 0, strict, step, place) != 0)
			continue;
		place->sp = (unsigned)((sp - frame->sp) / LM_STACK_WORD) & 2047;
		return 0;
	}
	return -1;
}

/* ---- the search ---- */

/* A function that a signal interrupted, and that had called nothing yet, has its return address in the register. */
static int find_in_register(struct lm_scan_frame *frame, lm_scan_by_tables *step)
{
	struct lm_scan_frame caller = {.pc = lm_code_address(frame->ra), .sp = frame->sp, .fp = frame->fp};
	enum lm_fit fit = frame->ra ? lm_calls_fit(caller.pc, inside(frame)) : LM_FIT_NOT;

	if (fit <= LM_FIT_OTHER || !is_sound(caller, fit, 1, 1, step))
		return -1;
	*frame = caller;
	return 0;
}

/* Where it was found before. */
static int find_again(struct lm_scan_frame *frame, struct place place, lm_scan_by_tables *step)
{
	struct lm_scan_frame caller = {.sp = frame->sp + place.sp * LM_STACK_WORD, .fp = frame->fp};
	enum lm_fit fit;

	if (lm_stack_read(frame->sp + place.pc * LM_STACK_WORD, &caller.pc) != 0 ||
	    (place.fp && lm_stack_read(frame->sp + (place.fp - 1) * LM_STACK_WORD, &caller.fp) != 0))
		return -1;
	caller.pc = lm_code_address(caller.pc);
	fit = lm_calls_fit(caller.pc, inside(frame));
	if (fit <= LM_FIT_OTHER || (fit != LM_FIT_SURE && !is_sound(caller, fit, 0, 1, step)))
		return -1;
	*frame = caller;
	return 0;
}

/*
 * Where the search begins, in bytes from FRAME's stack pointer. A function that has called another one left room for
 * that one's arguments there. It may never be written to, so earlier calls' return addresses stay in it.
 */
static uintptr_t first(const struct lm_scan_frame *frame)
{
	return frame->exact ? 0 : LM_MACHINE_ARGUMENTS;
}

/* How the return address that stands BY bytes above FRAME's stack pointer fits; and the address. */
static enum lm_fit look(const struct lm_scan_frame *frame, uintptr_t by, struct lm_scan_frame *caller)
{
	*caller = (struct lm_scan_frame){0};
	if (frame->sp > UINTPTR_MAX - REACH || lm_stack_read(frame->sp + by, &caller->pc) != 0)
		return LM_FIT_NOT;
	caller->pc = lm_code_address(caller->pc);
	lm_calls_meet(caller->pc);
	return lm_calls_fit(caller->pc, inside(frame));
}

/* The first caller that is beyond doubt. */
static enum lm_scan_result search(const struct lm_scan_frame *frame, struct lm_scan_frame *caller, struct place *place,
                                  lm_scan_by_tables *step)
{
	int has_other = 0;

	for (uintptr_t by = first(frame); by < REACH; by += LM_STACK_WORD) {
		enum lm_fit fit = look(frame, by, caller);
		struct place ignored;

		if (fit == LM_FIT_NOT)
			continue;
		if (fit == LM_FIT_OTHER) {
			/* A frame, or what is left of one. Behind it, a call that names nothing proves nothing. */
			if (find_registers(frame, caller, frame->sp + by, LM_FIT_MAYBE, 1, step, &ignored) == 0)
				return LM_SCAN_OTHER;
			has_other = 1;
			continue;
		}
		if (fit == LM_FIT_MAYBE && has_other)
			continue;
		/* It may be the caller all the same, and have no tables. */
		if (find_registers(frame, caller, frame->sp + by, fit, 1, step, place) != 0) {
			has_other = 1;
			continue;
		}
		place->is_found = 1;
		place->pc = (unsigned)(by / LM_STACK_WORD) & 1023;
		return LM_SCAN_FOUND;
	}
	return LM_SCAN_NOTHING;
}

/* The only one that calls the function by its name, where the callers further out are in doubt. */
static enum lm_scan_result search_only_one(const struct lm_scan_frame *frame, struct lm_scan_frame *caller,
                                           struct place *place, lm_scan_by_tables *step)
{
	for (uintptr_t by = first(frame); by < REACH; by += LM_STACK_WORD) {
		struct lm_scan_frame other;

		if (look(frame, by, &other) != LM_FIT_SURE)
			continue;
		if (place->is_found)
			return LM_SCAN_NOTHING;
		if (find_registers(frame, &other, frame->sp + by, LM_FIT_SURE, 0, step, place) != 0)
			return LM_SCAN_NOTHING;
		place->is_found = 1;
		place->pc = (unsigned)(by / LM_STACK_WORD) & 1023;
		*caller = other;
	}
	return place->is_found ? LM_SCAN_FOUND : LM_SCAN_NOTHING;
}

/* So much of a function is read at most to find where it made its frame, in bytes. */
#define PROLOGUE_MAX 128

/* Where the function that FRAME is in made its frame, if that can be read from its code. 0, or -1. */
static int read_prologue(const struct lm_scan_frame *frame, struct lm_machine_made *made)
{
	uintptr_t at = inside(frame), start;
	const struct lm_module *module = lm_module_known(at);
	uint8_t code[PROLOGUE_MAX];
	size_t size = sizeof code;

	if (!module || lm_symbol_function(at, &start) != 0)
		return -1;
	if (frame->pc - start < size)
		size = frame->pc - start;
	if (lm_image_read(&module->loaded.image, code, start, size) != 0)
		return -1;
	return lm_machine_prologue(code, size, made);
}

/* A function that was jumped to was called by another name. */
static enum lm_scan_result read_frame(const struct lm_scan_frame *frame, struct lm_scan_frame *caller,
                                      struct place *place, lm_scan_by_tables *step)
{
	struct lm_machine_made made;
	enum lm_fit fit;

	/* What is remembered has room for no more. */
	if (read_prologue(frame, &made) != 0 || made.ra >= REACH || made.sp >= 2 * REACH)
		return LM_SCAN_NOTHING;
	fit = look(frame, made.ra, caller);
	if (fit == LM_FIT_NOT)
		return LM_SCAN_NOTHING;
	caller->sp = frame->sp + made.sp;
	/* Its tables may end at once. Then nothing needs the frame pointer. */
	if (find_fp(frame, caller, fit, 1, 0, step, place) != 0) {
		caller->fp = frame->fp;
		place->fp = 0;
	}
	place->is_found = 1;
	place->pc = (unsigned)(made.ra / LM_STACK_WORD) & 1023;
	place->sp = (unsigned)(made.sp / LM_STACK_WORD) & 2047;
	return LM_SCAN_FOUND;
}

/* FRAME becomes its caller. */
static enum lm_scan_result find_anew(struct lm_scan_frame *frame, struct place *place, lm_scan_by_tables *step)
{
	struct lm_scan_frame caller;
	enum lm_scan_result result;

	*place = (struct place){0};
	result = read_frame(frame, &caller, place, step);
	if (result == LM_SCAN_NOTHING)
		result = search(frame, &caller, place, step);
	if (result == LM_SCAN_NOTHING) {
		*place = (struct place){0};
		result = search_only_one(frame, &caller, place, step);
	}
	if (result == LM_SCAN_FOUND)
		*frame = caller;
	return result;
}

enum lm_scan_result lm_scan_find(struct lm_scan_frame *frame, lm_scan_by_tables *step)
{
	uintptr_t pc = inside(frame) + 1;
	struct place place = recall(pc);
	unsigned tries = place.is_found ? 0 : place.pc;
	enum lm_scan_result result;

	if (frame->exact && find_in_register(frame, step) == 0) {
		lm_symbol_guess(frame->pc);
		return LM_SCAN_FOUND;
	}
	if (tries >= TRIES_MAX)
		return (enum lm_scan_result)place.sp;
	if (!place.is_found || find_again(frame, place, step) != 0) {
		result = find_anew(frame, &place, step);
		if (result != LM_SCAN_FOUND)
			place = (struct place){.pc = (tries + 1) & 1023, .sp = (unsigned)result & 2047};
		remember(pc, place);
		if (result != LM_SCAN_FOUND)
			return result;
	}
	lm_symbol_guess(frame->pc);
	return LM_SCAN_FOUND;
}
