/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See port.h: the RTOS's tick, or what the program gives. */
#ifndef LM_CLOCK_H
#define LM_CLOCK_H

#include <stdint.h>

uint64_t lm_clock_ms(void);

#endif
