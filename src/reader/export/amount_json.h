/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An amount of blocks and bytes, as it is written in all JSON output. */
#ifndef LM_AMOUNT_JSON_H
#define LM_AMOUNT_JSON_H

#include "amount.h"
#include "json.h"

/* Adds to OBJECT how exact AMOUNT is, if it is an estimate. 0 or -1, as jansson's functions. */
static inline int amount_json_errors(json_t *object, const struct amount *amount)
{
	if (!amount_is_estimate(amount))
		return 0;
	return json_object_update_new(object,
	                              json_pack("{s:b,s:o,s:f,s:f}", "estimated", 1, "samples",
	                                        json_number(amount->samples), "count_error", amount_count_error(amount),
	                                        "bytes_error", amount_bytes_error(amount)));
}

static inline json_t *amount_json(struct amount amount)
{
	json_t *object = json_pack("{s:o,s:o}", "count", json_number(amount.count), "bytes", json_number(amount.bytes));

	if (object && amount_json_errors(object, &amount) == 0)
		return object;
	json_decref(object);
	return NULL;
}

#endif
