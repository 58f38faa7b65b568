/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The backtraces of a process image for its page: the columns of places and nodes (page_columns.h), and the strings.
 * Each of these is there once, however many backtraces have it.
 */
#ifndef LM_READER_PAGE_NODES_H
#define LM_READER_PAGE_NODES_H

#include "hash.h"
#include "json.h"
#include "locations.h"
#include "page_columns.h"
#include "pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_place;
struct page_frame;

struct page_nodes {
	struct locations *locations;
	struct page_columns *columns;
	json_t *strings; /* an array: a reference is an index in it, plus one */
	struct hash_table string_table, place_table, node_table;
	struct page_place *places;
	size_t place_count, place_room;
	struct page_frame *frames; /* by frame number */
	struct pool pool;
	uint32_t count; /* of nodes */
	bool failed;    /* there was no memory: what was added is of no use */
};

/* Adds to COLUMNS, which may have anything else, too. Has to be freed, even if it failed. */
void page_nodes_begin(struct page_nodes *n, struct locations *locations, struct page_columns *columns);

/* A reference to the string TEXT; 0 for NULL. */
uint64_t page_nodes_add_string(struct page_nodes *n, const char *text);

/* A reference to the node of the innermost function of backtrace STACK; 0 if it has no frame. */
uint32_t page_nodes_add_stack(struct page_nodes *n, uint32_t stack);

void page_nodes_free(struct page_nodes *n);

#endif
