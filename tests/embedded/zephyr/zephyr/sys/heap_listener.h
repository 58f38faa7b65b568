/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in for Zephyr's header of that name: what the tracker uses of it, as its documentation has it. */
#ifndef ZEPHYR_HEAP_LISTENER_H
#define ZEPHYR_HEAP_LISTENER_H

#include <stddef.h>
#include <stdint.h>

typedef void (*heap_listener_alloc_cb_t)(uintptr_t heap_id, void *mem, size_t bytes);
typedef void (*heap_listener_free_cb_t)(uintptr_t heap_id, void *mem, size_t bytes);

struct heap_listener {
	struct heap_listener *next;
	uintptr_t heap_id;
	heap_listener_alloc_cb_t alloc;
	heap_listener_free_cb_t free;
};

#define HEAP_ID_FROM_POINTER(heap)               ((uintptr_t)(heap))
#define HEAP_LISTENER_ALLOC_DEFINE(name, id, cb) struct heap_listener name = {.heap_id = (id), .alloc = (cb)}
#define HEAP_LISTENER_FREE_DEFINE(name, id, cb)  struct heap_listener name = {.heap_id = (id), .free = (cb)}

void heap_listener_register(struct heap_listener *listener);

#endif
