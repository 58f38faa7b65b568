/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The last records, in memory: log_malloc_set_ring(). ram.h says what a reader relies on. */
#include "atomic.h"
#include "log-malloc2-embedded.h"
#include "output.h"
#include "ram_head.h"
#include "session.h"
#include "turn.h"

/* A position, with LM_RAM_WRAPPED, that lies BY bytes behind AT. */
static uint32_t advance(const struct lm_ram *ram, uint32_t at, uint32_t by)
{
	uint32_t offset = (at & ~LM_RAM_WRAPPED) + by;

	if (offset < ram->capacity)
		return (at & LM_RAM_WRAPPED) | offset;
	return LM_RAM_WRAPPED | (offset - ram->capacity);
}

/* Adds a record of any size, perhaps round the end. */
static __attribute__((noinline)) void add(struct lm_ram *ram, const char *record, uint32_t size)
{
	uint32_t at = ram->position & ~LM_RAM_WRAPPED, end = advance(ram, ram->position, size);
	uint32_t first = ram->capacity - at < size ? ram->capacity - at : size;

	lm_store_release(&ram->reserved, end);
	lm_fence_signal();
	__builtin_memcpy(lm_ram_area(ram) + at, record, first);
	__builtin_memcpy(lm_ram_area(ram), record + first, size - first);
	lm_store_release(&ram->position, end);
}

/* The same of a packed record, which is not at the end. */
static inline void add_words(struct lm_ram *ram, const uint32_t *words, uint32_t size)
{
	uint32_t *to = (uint32_t *)(void *)(lm_ram_area(ram) + (ram->position & ~LM_RAM_WRAPPED));

	lm_store_release(&ram->reserved, ram->position + size);
	lm_fence_signal();
	to[0] = words[0];
	to[1] = words[1];
	if (size == 16) {
		to[2] = words[2];
		to[3] = words[3];
	}
	lm_store_release(&ram->position, ram->position + size);
}

/* A writer: the ring takes every record that is smaller than itself. */
static size_t keep(const void *record, size_t size, void *arg)
{
	struct lm_ram *ram = arg;

	if (likely(lm_output_is_packed() && (size == 8 || size == 16) &&
	           (ram->position & ~LM_RAM_WRAPPED) + size < ram->capacity))
		add_words(ram, record, (uint32_t)size);
	else if (size < ram->capacity)
		add(ram, record, (uint32_t)size);
	else
		return 0;
	ram->lost = lm_output.lost;
	return size;
}

int log_malloc_set_ring(void *memory, size_t size)
{
	struct lm_ram *ram = NULL;
	uintptr_t state;

	if (lm_port_lock(&state) != 0)
		return -1;
	ram = lm_ram_begin(memory, size, LM_RAM_RECORDS, lm_output.format);
	if (ram) {
		lm_ram_show(ram);
		lm_output.writer = keep;
		lm_output.arg = ram;
		lm_session_send_live();
		lm_output_settle();
	}
	lm_port_unlock(state);
	return ram ? 0 : -1;
}
