/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See port.h: the RTOS's tick, or what the program gives. */
#ifndef LM_CLOCK_H
#define LM_CLOCK_H

#include <stdint.h>

#include "turn.h"

uint64_t lm_clock_ticks(void);

static inline uint64_t lm_clock_ms(void)
{
	return log_malloc_port_milliseconds || xTaskGetTickCount ? lm_clock_ticks() : 0;
}

#endif
