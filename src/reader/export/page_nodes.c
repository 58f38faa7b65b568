/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See page_nodes.h. */
#include "page_nodes.h"
#include "array.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE_INLINED = 1, PLACE_GUESSED = 2, PLACE_NAMELESS = 4 };

struct page_place {
	uint64_t name, file, module, flags;
	int line;
};

/* The places of a frame. */
struct page_frame {
	uint32_t *list; /* innermost first; NULL: not made yet */
	size_t count;
};

void page_nodes_begin(struct page_nodes *n, struct locations *locations, struct page_columns *columns)
{
	*n = (struct page_nodes){
		.locations = locations,
		.columns = columns,
		.strings = json_array(),
		.frames = calloc(locations->stacks->frame_count + 1, sizeof *n->frames),
	};
	n->failed = !n->strings || !n->frames;
}

static bool same_string(const void *owner, uint32_t place, const void *key)
{
	return json_equal(json_array_get(owner, place), key);
}

uint64_t page_nodes_add_string(struct page_nodes *n, const char *text)
{
	json_t *name;
	uint64_t hash;
	uint32_t place;

	if (!text)
		return 0;
	name = json_name(text, strlen(text));
	hash = hash_bytes(text, strlen(text));
	place = name ? hash_find(&n->string_table, hash, same_string, n->strings, name) : HASH_NONE;
	if (place != HASH_NONE) {
		json_decref(name);
		return (uint64_t)place + 1;
	}
	place = (uint32_t)json_array_size(n->strings);
	n->failed |= json_array_append_new(n->strings, name) != 0 || hash_add(&n->string_table, hash, place) != 0;
	return (uint64_t)place + 1;
}

static bool same_place(const void *owner, uint32_t place, const void *key)
{
	const struct page_place *x = &((const struct page_nodes *)owner)->places[place], *y = key;

	return x->name == y->name && x->file == y->file && x->module == y->module && x->flags == y->flags &&
	       x->line == y->line;
}

/* Gives PLACE an index, or finds that of an equal one. */
static uint32_t add_place(struct page_nodes *n, const struct page_place *place)
{
	uint64_t hash = hash_mix(
		place->name ^
		hash_mix(place->file ^ hash_mix(place->module ^ hash_mix((uint64_t)place->line ^ place->flags << 32))));
	uint32_t index = hash_find(&n->place_table, hash, same_place, n, place);
	struct page_place *places;

	if (index != HASH_NONE)
		return index;
	places = array_grow(n->places, &n->place_room, n->place_count + 1, sizeof *places);
	index = (uint32_t)n->place_count;
	if (!places || hash_add(&n->place_table, hash, index) != 0) {
		n->failed = true;
		return 0;
	}
	n->places = places;
	places[n->place_count++] = *place;
	page_columns_put(n->columns, PAGE_PLACE_NAME, place->name);
	page_columns_put(n->columns, PAGE_PLACE_FILE, place->file);
	page_columns_put(n->columns, PAGE_PLACE_LINE, (uint64_t)place->line);
	page_columns_put(n->columns, PAGE_PLACE_MODULE, place->module);
	page_columns_put(n->columns, PAGE_PLACE_FLAGS, place->flags);
	return index;
}

static struct page_place make_place(struct page_nodes *n, const struct location *location,
                                    const struct symbols_place *from)
{
	char *name = location_name(location, from);
	struct page_place place = {
		.name = page_nodes_add_string(n, name),
		.file = page_nodes_add_string(n, from->file),
		.line = from->line > 0 ? from->line : 0,
		.module = page_nodes_add_string(n, location->module),
		.flags = (from->inlined ? PLACE_INLINED : 0U) | (location->guessed ? PLACE_GUESSED : 0U) |
	                 (from->function ? 0U : PLACE_NAMELESS),
	};

	n->failed |= !name;
	free(name);
	return place;
}

/* A reference to the node of a place that is called by the node CALLER. */
static uint32_t add_node(struct page_nodes *n, uint32_t caller, uint32_t place)
{
	uint64_t key = (uint64_t)caller << 32 | place;
	uint32_t node = hash_find_number(&n->node_table, key);

	if (node != HASH_NONE)
		return node;
	node = ++n->count;
	n->failed |= hash_set_number(&n->node_table, key, node) != 0;
	page_columns_put(n->columns, PAGE_NODE_CALLER, caller ? node - caller : 0);
	page_columns_put(n->columns, PAGE_NODE_PLACE, place);
	return node;
}

/* The places of a frame, which are made once. NULL if there is no memory. */
static const struct page_frame *find_places(struct page_nodes *n, uint32_t frame)
{
	struct page_frame *places = &n->frames[frame];
	const struct location *location = places->list ? NULL : locations_get(n->locations, frame);

	if (places->list)
		return places;
	if (location)
		places->list = pool_alloc(&n->pool, location->places.count * sizeof(uint32_t));
	if (!places->list)
		return NULL;
	for (; places->count < location->places.count; places->count++) {
		struct page_place place = make_place(n, location, &location->places.places[places->count]);

		places->list[places->count] = add_place(n, &place);
	}
	return places;
}

uint32_t page_nodes_add_stack(struct page_nodes *n, uint32_t number)
{
	struct stack stack = stacks_get(n->locations->stacks, number);
	uint32_t node = 0;

	for (size_t i = stack.depth; i-- > 0 && !n->failed;) {
		const struct page_frame *places = find_places(n, stack.frames[i]);

		n->failed |= !places;
		for (size_t j = places ? places->count : 0; j-- > 0;)
			node = add_node(n, node, places->list[j]);
	}
	return node;
}

void page_nodes_free(struct page_nodes *n)
{
	hash_free(&n->string_table);
	hash_free(&n->place_table);
	hash_free(&n->node_table);
	free(n->places);
	free(n->frames);
	pool_free(&n->pool);
	json_decref(n->strings);
}
