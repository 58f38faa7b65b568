/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An amount of blocks and bytes, as it is written in all JSON output. */
#ifndef LM_AMOUNT_JSON_H
#define LM_AMOUNT_JSON_H

#include "consumers.h"
#include "json.h"

static inline json_t *amount_json(struct amount amount)
{
	return json_pack("{s:o,s:o}", "count", json_number(amount.count), "bytes", json_number(amount.bytes));
}

#endif
