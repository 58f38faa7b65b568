/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See expr.h. */
#include "expr.h"

#include <stddef.h>

#include "cfi.h"
#include "stack.h"

enum {
	OP_deref = 0x06,
	OP_const1u = 0x08,
	OP_const1s = 0x09,
	OP_const2u = 0x0a,
	OP_const2s = 0x0b,
	OP_const4u = 0x0c,
	OP_const4s = 0x0d,
	OP_constu = 0x10,
	OP_consts = 0x11,
	OP_dup = 0x12,
	OP_drop = 0x13,
	OP_and = 0x1a,
	OP_minus = 0x1c,
	OP_mul = 0x1e,
	OP_or = 0x21,
	OP_plus = 0x22,
	OP_plus_uconst = 0x23,
	OP_shl = 0x24,
	OP_shr = 0x25,
	OP_eq = 0x29,
	OP_ge = 0x2a,
	OP_gt = 0x2b,
	OP_le = 0x2c,
	OP_lt = 0x2d,
	OP_ne = 0x2e,
	OP_lit0 = 0x30,
	OP_breg0 = 0x70,
};

#define EXPRESSION_STACK 16

int lm_expr_register(const struct lm_registers *r, struct lm_extra *extra, unsigned number, uintptr_t *value)
{
	switch (number) {
	case LM_DWARF_SP:
		*value = r->sp;
		return 0;
	case LM_DWARF_FP:
		*value = r->fp;
		return 0;
	case LM_DWARF_RA:
		*value = r->pc;
		return 0;
	default:
		break;
	}
	if (number == extra->number) {
		*value = extra->value;
		return 0;
	}
	extra->missing = number;
	return -1;
}

/* An operation with two operands and one result. 0, or -1: OP is not one. */
static int binary(uint8_t op, uintptr_t a, uintptr_t b, uintptr_t *result)
{
	switch (op) {
	case OP_and:
		*result = a & b;
		return 0;
	case OP_or:
		*result = a | b;
		return 0;
	case OP_minus:
		*result = a - b;
		return 0;
	case OP_plus:
		*result = a + b;
		return 0;
	case OP_mul:
		*result = a * b;
		return 0;
	case OP_shl:
		*result = b < 8 * LM_STACK_WORD ? a << b : 0;
		return 0;
	case OP_shr:
		*result = b < 8 * LM_STACK_WORD ? a >> b : 0;
		return 0;
	case OP_eq:
		*result = a == b;
		return 0;
	case OP_ne:
		*result = a != b;
		return 0;
	case OP_ge:
		*result = (intptr_t)a >= (intptr_t)b;
		return 0;
	case OP_gt:
		*result = (intptr_t)a > (intptr_t)b;
		return 0;
	case OP_le:
		*result = (intptr_t)a <= (intptr_t)b;
		return 0;
	case OP_lt:
		*result = (intptr_t)a < (intptr_t)b;
		return 0;
	default:
		return -1;
	}
}

static uintptr_t operand(const uint8_t **p, const uint8_t *end, unsigned size, int is_signed)
{
	uint64_t value = lm_cfi_fixed(p, end, size);

	if (is_signed && size < 8 && value >> (8 * size - 1) & 1)
		value |= ~(uint64_t)0 << (8 * size);
	return (uintptr_t)value;
}

/* An operation that pushes a value. 0, or -1: not such an operation. */
static int push_op(uint8_t op, const struct lm_registers *r, struct lm_extra *extra, const uint8_t **p,
                   const uint8_t *end, uintptr_t *value)
{
	if (op >= OP_lit0 && op < OP_lit0 + 32) {
		*value = op - OP_lit0;
		return 0;
	}
	if (op >= OP_breg0 && op < OP_breg0 + 32) {
		if (lm_expr_register(r, extra, op - OP_breg0, value) != 0)
			return -1;
		*value += (uintptr_t)lm_cfi_sleb(p, end);
		return 0;
	}
	switch (op) {
	case OP_const1u:
	case OP_const1s:
		*value = operand(p, end, 1, op == OP_const1s);
		return 0;
	case OP_const2u:
	case OP_const2s:
		*value = operand(p, end, 2, op == OP_const2s);
		return 0;
	case OP_const4u:
	case OP_const4s:
		*value = operand(p, end, 4, op == OP_const4s);
		return 0;
	case OP_constu:
		*value = (uintptr_t)lm_cfi_uleb(p, end);
		return 0;
	case OP_consts:
		*value = (uintptr_t)lm_cfi_sleb(p, end);
		return 0;
	default:
		return -1;
	}
}

int lm_expr_evaluate(const uint8_t *expression, const struct lm_registers *r, struct lm_extra *extra,
                     const uintptr_t *cfa, uintptr_t *result)
{
	uintptr_t values[EXPRESSION_STACK];
	const uint8_t *p = expression, *end;
	uint64_t length = lm_cfi_uleb(&p, p + 10);
	unsigned depth = 0;

	end = p + length;
	if (cfa)
		values[depth++] = *cfa;
	while (p < end) {
		uint8_t op = *p++;

		if (depth < EXPRESSION_STACK && push_op(op, r, extra, &p, end, &values[depth]) == 0) {
			depth++;
		} else if (op == OP_dup && depth && depth < EXPRESSION_STACK) {
			values[depth] = values[depth - 1];
			depth++;
		} else if (op == OP_drop && depth) {
			depth--;
		} else if (op == OP_plus_uconst && depth) {
			values[depth - 1] += (uintptr_t)lm_cfi_uleb(&p, end);
		} else if (op == OP_deref && depth) {
			if (lm_stack_read(values[depth - 1], &values[depth - 1]) != 0)
				return -1;
		} else if (depth >= 2 && binary(op, values[depth - 2], values[depth - 1], &values[depth - 2]) == 0) {
			depth--;
		} else {
			return -1;
		}
	}
	if (!depth)
		return -1;
	*result = values[depth - 1];
	return 0;
}
