/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How text marks numbers that are estimates, since a sampled trace has a part of the blocks only. */
#ifndef LM_ESTIMATE_H
#define LM_ESTIMATE_H

#include "amount.h"
#include "bytes_print.h"
#include "plural.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

/* The standard error of so many samples is a fifth of what they show; that of fewer is more. */
enum { SAMPLES_FEW = 25 };

enum { ESTIMATE_CELL = 24 };

/* What stands in front of each number of AMOUNT. */
static inline const char *about(const struct amount *amount)
{
	return amount_is_estimate(amount) ? "~" : "";
}

/* NUMBER, which belongs to AMOUNT, in CELL, for a column of a table. */
static inline const char *about_in_cell(const struct amount *amount, uint64_t number, char cell[ESTIMATE_CELL])
{
	snprintf(cell, ESTIMATE_CELL, "%s%" PRIu64, about(amount), number);
	return cell;
}

/* The bytes: "1234 bytes", and " (1.50 MiB)" behind that where they are many. */
static inline void amount_print_bytes(const struct amount *amount, FILE *out)
{
	char text[BYTES_TEXT];

	fprintf(out, "%s%" PRIu64 " byte%s", about(amount), amount->bytes, plural(amount->bytes));
	if (amount->bytes >= BYTES_MANY)
		fprintf(out, " (%s%s)", about(amount), bytes_in_units(amount->bytes, text));
}

/* "3 blocks, " and the bytes. */
static inline void amount_print(const struct amount *amount, FILE *out)
{
	fprintf(out, "%s%" PRIu64 " block%s, ", about(amount), amount->count, plural(amount->count));
	amount_print_bytes(amount, out);
}

/* ", 2 samples", if AMOUNT rests on few of them. */
static inline void samples_print(const struct amount *amount, FILE *out)
{
	if (amount_is_estimate(amount) && amount->samples < SAMPLES_FEW)
		fprintf(out, ", %" PRIu64 " sample%s", amount->samples, plural(amount->samples));
}

#endif
