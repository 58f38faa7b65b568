/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See page_columns.h. */
#include "page_columns.h"

#include <errno.h>
#include <string.h>

#define NAME(number, name) name,
static const char *const names[PAGE_COLUMN_COUNT] = {PAGE_COLUMNS(NAME)};

static void put_double(struct page_columns *columns, int column, double number)
{
	column_add_double(&columns->list[column], number);
}

void page_columns_put_amount(struct page_columns *columns, int column, struct amount amount)
{
	if (!columns->is_sample) {
		page_columns_put(columns, column, amount.count);
		page_columns_put(columns, column + 1, amount.bytes);
		return;
	}
	put_double(columns, column, amount_exact_count(&amount));
	put_double(columns, column + 1, amount_exact_bytes(&amount));
	put_double(columns, column + 2, (double)amount.samples);
	put_double(columns, column + 3, amount.count_variance);
	put_double(columns, column + 4, amount.bytes_variance);
}

void page_columns_put_sum(struct page_columns *columns, int column, struct flow_sum sum, const struct amount *estimate)
{
	page_columns_put_amount(columns, column,
	                        estimate ? *estimate : (struct amount){.count = sum.count, .bytes = sum.bytes});
}

bool page_columns_failed(const struct page_columns *columns)
{
	for (int i = 0; i < PAGE_COLUMN_COUNT; i++)
		if (columns->list[i].failed)
			return true;
	return false;
}

json_t *page_columns_names(int from, int to)
{
	json_t *list = json_array();

	for (int i = from; list && i < to; i++)
		json_array_append_new(list, json_string(names[i]));
	return list;
}

static void add_number(struct deflated *deflated, uint64_t number)
{
	struct column column = {0};

	column_add(&column, number);
	deflated_add(deflated, column.bytes, column.len);
	column_free(&column);
}

static void add_packed(struct deflated *deflated, const void *bytes, size_t len)
{
	add_number(deflated, len);
	deflated_add(deflated, bytes, len);
}

int page_columns_compress(const struct page_columns *columns, const char *text, int from, int to, unsigned char **bytes,
                          size_t *len)
{
	struct deflated *deflated = deflated_create();

	if (!deflated)
		return -ENOMEM;
	if (text)
		add_packed(deflated, text, strlen(text));
	for (int i = from; i < to; i++) {
		add_number(deflated, columns->list[i].count);
		add_packed(deflated, columns->list[i].bytes, columns->list[i].len);
	}
	return deflated_finish(deflated, bytes, len);
}

void page_columns_free(struct page_columns *columns)
{
	for (int i = 0; i < PAGE_COLUMN_COUNT; i++)
		column_free(&columns->list[i]);
}
