/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of live blocks, where a dump can be read from: log_malloc_set_table(). See ram.h. */
#include "log-malloc2-embedded.h"
#include "ram_head.h"
#include "table.h"
#include "trace_format.h"
#include "turn.h"

int log_malloc_set_table(void *memory, size_t size)
{
	struct lm_ram *ram;
	uintptr_t state;
	int result = -1;

	if (lm_port_lock(&state) != 0)
		return -1;
	ram = lm_ram_begin(memory, size, LM_RAM_LIVE, LM_FORMAT_FULL);
	if (ram && lm_table_move((struct lm_ram_entry *)(void *)lm_ram_area(ram),
	                         ram->capacity / sizeof(struct lm_ram_entry)) == 0) {
		lm_table_lost = &ram->lost;
		lm_ram_show(ram);
		result = 0;
	}
	lm_port_unlock(state);
	return result;
}
