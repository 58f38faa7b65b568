/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands in which column of the data that a page has. A reference to a string, a place or a node is its index plus
 * one; 0 is none. A "place" is a function with file and line. A "node" is a place and the node of its caller, which
 * stands in front of it. A "row" is a backtrace, or a function whose blocks have none. A "cell" is what a consumer did
 * in a slice of the run; those of a consumer stand together. A "stretch" is a step of the envelope of what was in use.
 * An amount has two columns; of a sample, it has five, of numbers with digits behind the point. src/page/run.ts reads
 * them by their names.
 */
#ifndef LM_READER_PAGE_COLUMNS_H
#define LM_READER_PAGE_COLUMNS_H

#include "amount.h"
#include "column.h"
#include "flow.h"
#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_AMOUNT_COLUMNS(X, number, name)                                                                           \
	X(number##_COUNT, name ".count")                                                                               \
	X(number##_BYTES, name ".bytes")                                                                               \
	X(number##_SAMPLES, name ".samples")                                                                           \
	X(number##_COUNT_VARIANCE, name ".count_variance")                                                             \
	X(number##_BYTES_VARIANCE, name ".bytes_variance")
#define PAGE_COLUMNS(X)                                                                                                \
	X(PAGE_PLACE_NAME, "place.name")                                                                               \
	X(PAGE_PLACE_FILE, "place.file")                                                                               \
	X(PAGE_PLACE_LINE, "place.line")                                                                               \
	X(PAGE_PLACE_MODULE, "place.module")                                                                           \
	X(PAGE_PLACE_FLAGS, "place.flags")                                                                             \
	X(PAGE_NODE_CALLER, "node.caller")                                                                             \
	X(PAGE_NODE_PLACE, "node.place")                                                                               \
	X(PAGE_ROW_NODE, "row.node")                                                                                   \
	X(PAGE_ROW_CALL, "row.call")                                                                                   \
	X(PAGE_ROW_TREND, "row.trend")                                                                                 \
	X(PAGE_ROW_SINCE, "row.since")                                                                                 \
	X(PAGE_ROW_RATE, "row.rate")                                                                                   \
	X(PAGE_CONSUMER_ROW, "consumer.row")                                                                           \
	X(PAGE_CONSUMER_THREAD, "consumer.thread")                                                                     \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CONSUMER_ALLOCATED, "consumer.allocated")                                          \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CONSUMER_PEAK, "consumer.peak")                                                    \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CONSUMER_LEAKED, "consumer.leaked")                                                \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CONSUMER_LOST, "consumer.lost")                                                    \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CONSUMER_TEMPORARY, "consumer.temporary")                                          \
	X(PAGE_CONSUMER_FIRST, "consumer.first")                                                                       \
	X(PAGE_CONSUMER_LAST, "consumer.last")                                                                         \
	X(PAGE_CONSUMER_CELLS, "consumer.cells")                                                                       \
	X(PAGE_SIZE_CLASS, "size.class")                                                                               \
	X(PAGE_SIZE_SLICE, "size.slice")                                                                               \
	PAGE_AMOUNT_COLUMNS(X, PAGE_SIZE, "size")                                                                      \
	X(PAGE_STRETCH_AT, "stretch.at")                                                                               \
	X(PAGE_STRETCH_LEAST, "stretch.least")                                                                         \
	X(PAGE_STRETCH_MOST, "stretch.most")                                                                           \
	X(PAGE_STRETCH_ORDER, "stretch.order")                                                                         \
	X(PAGE_STRETCH_USABLE_LEAST, "stretch.usable_least")                                                           \
	X(PAGE_STRETCH_USABLE_MOST, "stretch.usable_most")                                                             \
	X(PAGE_STRETCH_RESIDENT, "stretch.resident")                                                                   \
	X(PAGE_CELL_SLICE, "cell.slice")                                                                               \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CELL_CAME, "cell.came")                                                            \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CELL_LEFT, "cell.left")                                                            \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CELL_TEMPORARY, "cell.temporary")                                                  \
	PAGE_AMOUNT_COLUMNS(X, PAGE_CELL_LOST, "cell.lost")

#define PAGE_COLUMN_NUMBER(number, name) number,
enum { PAGE_COLUMNS(PAGE_COLUMN_NUMBER) PAGE_COLUMN_COUNT, PAGE_CELL_COLUMNS = PAGE_CELL_SLICE };

/* All zeros are valid and empty. */
struct page_columns {
	struct column list[PAGE_COLUMN_COUNT];
	bool is_sample; /* amounts are estimates; set by the caller */
};

static inline void page_columns_put(struct page_columns *columns, int column, uint64_t number)
{
	column_add(&columns->list[column], number);
}

/* Puts AMOUNT into the columns that begin with COLUMN. */
void page_columns_put_amount(struct page_columns *columns, int column, struct amount amount);

/* Puts SUM; ESTIMATE is the same of a sample, or NULL. */
void page_columns_put_sum(struct page_columns *columns, int column, struct flow_sum sum, const struct amount *estimate);

/* Was there no memory for one of them? */
bool page_columns_failed(const struct page_columns *columns);

/* The names of the columns from FROM to below TO; NULL if there is no memory. */
json_t *page_columns_names(int from, int to);

/* Compresses TEXT, if it is not NULL, and the columns from FROM to below TO. 0 or -ENOMEM; BYTES have to be freed. */
int page_columns_compress(const struct page_columns *columns, const char *text, int from, int to, unsigned char **bytes,
                          size_t *len);

void page_columns_free(struct page_columns *columns);

#endif
