/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The last records, in memory: log_malloc_set_ring(). ram.h says what a reader relies on. */
#include "atomic.h"
#include "log-malloc2-embedded.h"
#include "output.h"
#include "port.h"
#include "ram_head.h"
#include "session.h"

/* A position, with LM_RAM_WRAPPED, that lies BY bytes behind AT. */
static uint32_t advance(const struct lm_ram *ram, uint32_t at, uint32_t by)
{
	uint32_t offset = (at & ~LM_RAM_WRAPPED) + by;

	if (offset < ram->capacity)
		return (at & LM_RAM_WRAPPED) | offset;
	return LM_RAM_WRAPPED | (offset - ram->capacity);
}

/* A writer: the ring takes every record that is not larger than itself. */
static size_t keep(const void *record, size_t size, void *arg)
{
	struct lm_ram *ram = arg;
	uint32_t at = ram->position & ~LM_RAM_WRAPPED, end, first = (uint32_t)size;

	if (size > ram->capacity)
		return 0;
	end = advance(ram, ram->position, (uint32_t)size);
	lm_store_release(&ram->reserved, end);
	lm_fence_signal();
	if (first > ram->capacity - at)
		first = ram->capacity - at;
	__builtin_memcpy(lm_ram_area(ram) + at, record, first);
	__builtin_memcpy(lm_ram_area(ram), (const char *)record + first, size - first);
	ram->lost = lm_output.lost;
	lm_store_release(&ram->position, end);
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
	}
	lm_port_unlock(state);
	return ram ? 0 : -1;
}
