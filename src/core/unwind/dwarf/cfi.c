/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See cfi.h. Reads what the loader mapped; allocates nothing, locks nothing. */
#include "cfi.h"

#include <stddef.h>

#include "frametable.h"

/* Call frame instructions. */
enum {
	CFA_advance_loc = 0x40, /* the upper two bits, with an operand in the lower six */
	CFA_offset = 0x80,
	CFA_restore = 0xc0,
	CFA_nop = 0x00,
	CFA_set_loc = 0x01,
	CFA_advance_loc1 = 0x02,
	CFA_advance_loc2 = 0x03,
	CFA_advance_loc4 = 0x04,
	CFA_offset_extended = 0x05,
	CFA_restore_extended = 0x06,
	CFA_undefined = 0x07,
	CFA_same_value = 0x08,
	CFA_register = 0x09,
	CFA_remember_state = 0x0a,
	CFA_restore_state = 0x0b,
	CFA_def_cfa = 0x0c,
	CFA_def_cfa_register = 0x0d,
	CFA_def_cfa_offset = 0x0e,
	CFA_def_cfa_expression = 0x0f,
	CFA_expression = 0x10,
	CFA_offset_extended_sf = 0x11,
	CFA_def_cfa_sf = 0x12,
	CFA_def_cfa_offset_sf = 0x13,
	CFA_val_offset = 0x14,
	CFA_val_offset_sf = 0x15,
	CFA_val_expression = 0x16,
	CFA_window_save = 0x2d, /* on aarch64: the return address is signed from here on */
	CFA_args_size = 0x2e,
	CFA_offset_extended_neg = 0x2f,
};

#define REMEMBERED 8

/* No entry is as long: it would be a function with tens of thousands of changes of its stack. */
#define ENTRY_MAX ((uint32_t)256 << 10)

struct entry {
	const uint8_t *at, *end; /* the instructions */
	uint64_t code_align;
	int64_t data_align;
	unsigned ra;
	uint8_t pointer_encoding;
	int has_augmentation;
	int signal_frame;
};

struct machine {
	struct lm_cfi_row row, initial, remembered[REMEMBERED];
	unsigned depth;
	unsigned extra; /* DWARF's number of the register that is followed as LM_CFI_EXTRA */
	uintptr_t location;
};

/* Groups of seven bits, the lowest first; SHIFT and the last byte tell what a sign would be. */
static uint64_t groups(const uint8_t **p, const uint8_t *end, unsigned *shift, uint8_t *last)
{
	uint64_t value = 0;

	*shift = 0;
	*last = 0x80;
	while (*p < end && *last & 0x80) {
		*last = *(*p)++;
		if (*shift < 64)
			value |= (uint64_t)(*last & 0x7f) << *shift;
		*shift += 7;
	}
	return value;
}

uint64_t lm_cfi_uleb(const uint8_t **p, const uint8_t *end)
{
	unsigned shift;
	uint8_t last;

	return groups(p, end, &shift, &last);
}

int64_t lm_cfi_sleb(const uint8_t **p, const uint8_t *end)
{
	unsigned shift;
	uint8_t last;
	uint64_t value = groups(p, end, &shift, &last);

	if (shift < 64 && last & 0x40)
		value |= ~(uint64_t)0 << shift;
	return (int64_t)value;
}

uint64_t lm_cfi_fixed(const uint8_t **p, const uint8_t *end, unsigned size)
{
	uint64_t value = 0;

	if ((size_t)(end - *p) < size) {
		*p = end;
		return 0;
	}
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__builtin_memcpy(&value, *p, size);
#else
	__builtin_memcpy((uint8_t *)&value + sizeof value - size, *p, size);
#endif
	*p += size;
	return value;
}

static uintptr_t encoded(const uint8_t **p, const uint8_t *end, uint8_t encoding)
{
	uintptr_t here = (uintptr_t)*p, value;

	switch (encoding & LM_ENC_FORMAT) {
	case LM_ENC_ABSPTR:
		value = (uintptr_t)lm_cfi_fixed(p, end, sizeof value);
		break;
	case LM_ENC_ULEB:
		value = (uintptr_t)lm_cfi_uleb(p, end);
		break;
	case LM_ENC_SLEB:
		value = (uintptr_t)lm_cfi_sleb(p, end);
		break;
	case LM_ENC_UDATA2:
		value = (uintptr_t)lm_cfi_fixed(p, end, 2);
		break;
	case LM_ENC_SDATA2:
		value = (uintptr_t)(int16_t)lm_cfi_fixed(p, end, 2);
		break;
	case LM_ENC_UDATA4:
		value = (uintptr_t)lm_cfi_fixed(p, end, 4);
		break;
	case LM_ENC_SDATA4:
		value = (uintptr_t)(int32_t)lm_cfi_fixed(p, end, 4);
		break;
	default:
		value = (uintptr_t)lm_cfi_fixed(p, end, 8);
		break;
	}
	if ((encoding & LM_ENC_BASE) == LM_ENC_PCREL)
		value += here;
	return value;
}

/* One length-prefixed entry of .eh_frame: its content behind the length, all of which can be read. 0, or -1. */
static int open_entry(const struct lm_loaded *loaded, uintptr_t at, const uint8_t **content, const uint8_t **end)
{
	uint32_t length;

	/* A length of 0 ends the section. One of UINT32_MAX announces a length of 64 bits, which does not occur. */
	if (lm_image_read(&loaded->image, &length, at, sizeof length) != 0 || length < 4 || length > ENTRY_MAX ||
	    !lm_image_has(&loaded->image, at + sizeof length, length))
		return -1;
	*content = (const uint8_t *)at + sizeof length;
	*end = *content + length;
	return 0;
}

static int read_cie(const struct lm_loaded *loaded, uintptr_t at, struct entry *cie)
{
	const uint8_t *p, *end, *augmentation, *data_end;
	uint64_t length;
	uint8_t version;

	if (open_entry(loaded, at, &p, &end) != 0 || lm_cfi_fixed(&p, end, 4) != 0)
		return -1;
	version = (uint8_t)lm_cfi_fixed(&p, end, 1);
	if (version != 1 && version != 3)
		return -1;
	augmentation = p;
	while (p < end && *p)
		p++;
	if (p++ >= end)
		return -1;
	cie->code_align = lm_cfi_uleb(&p, end);
	cie->data_align = lm_cfi_sleb(&p, end);
	cie->ra = version == 1 ? (unsigned)lm_cfi_fixed(&p, end, 1) : (unsigned)lm_cfi_uleb(&p, end);
	cie->pointer_encoding = LM_ENC_ABSPTR;
	cie->end = end;
	cie->at = p;
	if (*augmentation != 'z')
		return *augmentation ? -1 : 0;
	cie->has_augmentation = 1;
	length = lm_cfi_uleb(&p, end);
	if (length > (uint64_t)(end - p))
		return -1;
	data_end = p + length;
	cie->at = data_end;
	while (*++augmentation) {
		if (*augmentation == 'R') {
			cie->pointer_encoding = (uint8_t)lm_cfi_fixed(&p, data_end, 1);
		} else if (*augmentation == 'P') {
			uint8_t encoding = (uint8_t)lm_cfi_fixed(&p, data_end, 1);

			encoded(&p, data_end, encoding);
		} else if (*augmentation == 'L') {
			lm_cfi_fixed(&p, data_end, 1);
		} else if (*augmentation == 'S') {
			cie->signal_frame = 1;
		}
	}
	return 0;
}

/* Opens the FDE and its CIE. START and SIZE: what it is about. */
static int read_fde(const struct lm_loaded *loaded, uintptr_t at, struct entry *cie, struct entry *fde,
                    uintptr_t *start, uintptr_t *size)
{
	const uint8_t *p, *end;
	uintptr_t cie_field;
	uint32_t back;

	if (open_entry(loaded, at, &p, &end) != 0)
		return -1;
	cie_field = (uintptr_t)p;
	back = (uint32_t)lm_cfi_fixed(&p, end, 4);
	if (!back || read_cie(loaded, cie_field - back, cie) != 0)
		return -1;
	*start = encoded(&p, end, cie->pointer_encoding);
	*size = encoded(&p, end, cie->pointer_encoding & LM_ENC_FORMAT);
	if (cie->has_augmentation) {
		uint64_t skip = lm_cfi_uleb(&p, end);

		if (skip > (uint64_t)(end - p))
			return -1;
		p += skip;
	}
	fde->at = p;
	fde->end = end;
	return 0;
}

uintptr_t lm_cfi_entry(const struct lm_loaded *loaded, uintptr_t at, uintptr_t *start)
{
	struct entry cie = {0}, fde = {0};
	const uint8_t *p, *end;
	uintptr_t size;

	if (open_entry(loaded, at, &p, &end) != 0)
		return 0;
	/* A CIE is none. What can't be read is passed over. */
	if (read_fde(loaded, at, &cie, &fde, start, &size) != 0 || !size)
		*start = 0;
	return (uintptr_t)end;
}

static struct lm_cfi_rule *rule_of(struct machine *machine, uint64_t reg)
{
	switch (reg) {
	case LM_DWARF_FP:
		return &machine->row.rule[LM_CFI_FP];
	case LM_DWARF_SP:
		return &machine->row.rule[LM_CFI_SP];
	case LM_DWARF_RA:
		return &machine->row.rule[LM_CFI_RA];
	default:
		return reg == machine->extra ? &machine->row.rule[LM_CFI_EXTRA] : NULL;
	}
}

static void set_rule(struct machine *machine, uint64_t reg, enum lm_cfi_how how, int64_t offset)
{
	struct lm_cfi_rule *rule = rule_of(machine, reg);

	if (rule) {
		rule->how = how;
		rule->offset = offset;
	}
}

static void restore_rule(struct machine *machine, uint64_t reg)
{
	struct lm_cfi_rule *rule = rule_of(machine, reg);

	if (rule)
		*rule = machine->initial.rule[rule - machine->row.rule];
}

/* Steps over an expression's block and returns where it starts, or NULL: it is longer than the entry. */
static const uint8_t *block(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *start = *p;
	uint64_t length = lm_cfi_uleb(p, end);

	if (start == end || *(*p - 1) & 0x80 || length > (uint64_t)(end - *p))
		return NULL;
	*p += length;
	return start;
}

static int set_expression(struct machine *machine, uint64_t reg, enum lm_cfi_how how, const uint8_t *expression)
{
	struct lm_cfi_rule *rule = rule_of(machine, reg);

	if (!expression)
		return -1;
	if (rule) {
		rule->how = how;
		rule->expression = expression;
	}
	return 0;
}

/* FACTOR is in units of UNIT. Both can be anything, and so the product can be. */
static int64_t scaled(uint64_t factor, int64_t unit)
{
	return (int64_t)(factor * (uint64_t)unit);
}

/* The instructions that say what the CFA is. */
static int run_cfa(struct machine *machine, const struct entry *cie, uint8_t op, const uint8_t **p, const uint8_t *end)
{
	struct lm_cfi_row *row = &machine->row;

	switch (op) {
	case CFA_def_cfa:
		row->cfa_register = (unsigned)lm_cfi_uleb(p, end);
		row->cfa_offset = (int64_t)lm_cfi_uleb(p, end);
		break;
	case CFA_def_cfa_sf:
		row->cfa_register = (unsigned)lm_cfi_uleb(p, end);
		row->cfa_offset = scaled((uint64_t)lm_cfi_sleb(p, end), cie->data_align);
		break;
	case CFA_def_cfa_register:
		row->cfa_register = (unsigned)lm_cfi_uleb(p, end);
		break;
	case CFA_def_cfa_offset:
		row->cfa_offset = (int64_t)lm_cfi_uleb(p, end);
		break;
	case CFA_def_cfa_offset_sf:
		row->cfa_offset = scaled((uint64_t)lm_cfi_sleb(p, end), cie->data_align);
		break;
	case CFA_def_cfa_expression:
		row->cfa_expression = block(p, end);
		return row->cfa_expression ? 0 : -1;
	default:
		return -1;
	}
	row->cfa_expression = NULL;
	return 0;
}

/* The instructions that say where a register is. */
static int run_register(struct machine *machine, const struct entry *cie, uint8_t op, const uint8_t **p,
                        const uint8_t *end)
{
	uint64_t reg = lm_cfi_uleb(p, end);

	switch (op) {
	case CFA_offset_extended:
		set_rule(machine, reg, LM_CFI_AT_CFA, scaled(lm_cfi_uleb(p, end), cie->data_align));
		return 0;
	case CFA_offset_extended_sf:
		set_rule(machine, reg, LM_CFI_AT_CFA, scaled((uint64_t)lm_cfi_sleb(p, end), cie->data_align));
		return 0;
	case CFA_offset_extended_neg:
		set_rule(machine, reg, LM_CFI_AT_CFA, scaled(-lm_cfi_uleb(p, end), cie->data_align));
		return 0;
	case CFA_val_offset:
		set_rule(machine, reg, LM_CFI_CFA_VALUE, scaled(lm_cfi_uleb(p, end), cie->data_align));
		return 0;
	case CFA_val_offset_sf:
		set_rule(machine, reg, LM_CFI_CFA_VALUE, scaled((uint64_t)lm_cfi_sleb(p, end), cie->data_align));
		return 0;
	case CFA_restore_extended:
		restore_rule(machine, reg);
		return 0;
	case CFA_undefined:
		set_rule(machine, reg, LM_CFI_UNDEFINED, 0);
		return 0;
	case CFA_same_value:
		set_rule(machine, reg, LM_CFI_SAME, 0);
		return 0;
	case CFA_register:
		lm_cfi_uleb(p, end);
		set_rule(machine, reg, LM_CFI_UNKNOWN, 0);
		return 0;
	case CFA_expression:
		return set_expression(machine, reg, LM_CFI_AT_EXPR, block(p, end));
	case CFA_val_expression:
		return set_expression(machine, reg, LM_CFI_EXPR, block(p, end));
	default:
		return -1;
	}
}

/* The instructions that change neither the CFA nor a register's rule. */
static int run_other(struct machine *machine, const struct entry *cie, uint8_t op, const uint8_t **p,
                     const uint8_t *end)
{
	switch (op) {
	case CFA_nop:
	case CFA_window_save:
		return 0;
	case CFA_set_loc:
		machine->location = encoded(p, end, cie->pointer_encoding);
		return 0;
	case CFA_advance_loc1:
		machine->location += lm_cfi_fixed(p, end, 1) * cie->code_align;
		return 0;
	case CFA_advance_loc2:
		machine->location += lm_cfi_fixed(p, end, 2) * cie->code_align;
		return 0;
	case CFA_advance_loc4:
		machine->location += lm_cfi_fixed(p, end, 4) * cie->code_align;
		return 0;
	case CFA_args_size:
		lm_cfi_uleb(p, end);
		return 0;
	case CFA_remember_state:
		if (machine->depth == REMEMBERED)
			return -1;
		machine->remembered[machine->depth++] = machine->row;
		return 0;
	case CFA_restore_state:
		if (!machine->depth)
			return -1;
		machine->row = machine->remembered[--machine->depth];
		return 0;
	default:
		return -1;
	}
}

static int run_one(struct machine *machine, const struct entry *cie, const uint8_t **p, const uint8_t *end)
{
	uint8_t op = *(*p)++;
	uint8_t operand = op & 0x3f;

	switch (op & 0xc0) {
	case CFA_advance_loc:
		machine->location += operand * cie->code_align;
		return 0;
	case CFA_offset:
		set_rule(machine, operand, LM_CFI_AT_CFA, scaled(lm_cfi_uleb(p, end), cie->data_align));
		return 0;
	case CFA_restore:
		restore_rule(machine, operand);
		return 0;
	default:
		break;
	}
	if (op >= CFA_def_cfa && op <= CFA_def_cfa_expression)
		return run_cfa(machine, cie, op, p, end);
	if (op == CFA_def_cfa_sf || op == CFA_def_cfa_offset_sf)
		return run_cfa(machine, cie, op, p, end);
	if ((op >= CFA_offset_extended && op <= CFA_register) || (op >= CFA_expression && op <= CFA_val_expression) ||
	    op == CFA_offset_extended_neg)
		return run_register(machine, cie, op, p, end);
	return run_other(machine, cie, op, p, end);
}

/* Runs the instructions up to those that are about addresses behind PC. */
static int run(struct machine *machine, const struct entry *cie, const struct entry *code, uintptr_t pc)
{
	const uint8_t *p = code->at;

	/* An instruction that advances the location changes nothing else, so the row is right when the loop ends. */
	while (p < code->end && machine->location <= pc) {
		if (run_one(machine, cie, &p, code->end) != 0)
			return -1;
	}
	return 0;
}

int lm_cfi_find(const struct lm_loaded *loaded, uintptr_t pc, unsigned extra, struct lm_cfi_row *row)
{
	struct entry cie = {0}, fde = {0};
	struct machine machine = {.extra = extra};
	uintptr_t start, size, at = lm_frametable_find(loaded, pc, &start);

	if (!at || read_fde(loaded, at, &cie, &fde, &start, &size) != 0 || pc - start >= size || cie.ra != LM_DWARF_RA)
		return -1;
	machine.row.signal_frame = cie.signal_frame;
	machine.location = start;
	if (run(&machine, &cie, &cie, UINTPTR_MAX) != 0)
		return -1;
	machine.initial = machine.row;
	if (run(&machine, &cie, &fde, pc) != 0)
		return -1;
	*row = machine.row;
	return 0;
}
