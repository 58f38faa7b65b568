/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See port.h. A chip, with FreeRTOS or without: which of both is found out by the
 * linker, as FreeRTOS's functions are referred to weakly. What a program with another
 * RTOS gives instead, log_malloc_port_...(), is declared in log-malloc2-embedded.h.
 *
 * Without an RTOS, interrupts are masked while the tracker works. In a task of
 * FreeRTOS, its scheduler is suspended, and interrupts go on: handlers do not call its
 * allocator. One that calls another allocator just then is turned away.
 *
 */
#ifndef LM_TURN_H
#define LM_TURN_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"
#include "interrupts.h"
#include "log-malloc2-embedded.h"
#include "port.h"

/* FreeRTOS's own, as its documentation has them: BaseType_t is long, TickType_t mostly 32 bits. */
extern void *xTaskGetCurrentTaskHandle(void) __attribute__((weak));
extern long xTaskGetSchedulerState(void) __attribute__((weak));
extern char *pcTaskGetName(void *task) __attribute__((weak));
extern uint32_t xTaskGetTickCount(void) __attribute__((weak));
extern void vTaskSuspendAll(void) __attribute__((weak));
extern long xTaskResumeAll(void) __attribute__((weak));

int lm_port_lock(uintptr_t *state);
void lm_port_unlock(uintptr_t state);
uintptr_t lm_port_context(void);

/*
 * For a few instructions between lm_port_lock() and lm_port_unlock() that a handler which was turned away may do as
 * well. A program with a lock of its own may not be permitted to mask interrupts, and turns no handler away.
 */
static inline uintptr_t lm_port_mask(void)
{
	return log_malloc_port_lock ? 0 : lm_interrupts_mask();
}

static inline void lm_port_unmask(uintptr_t state)
{
	if (!log_malloc_port_lock)
		lm_interrupts_restore(state);
}

/* Where the stack ends that SP is on, or an address up to which it can be read. */
uintptr_t lm_port_stack_end(uintptr_t sp);

/* There is no RTOS, no clock, and the program gives nothing. Then the processor says all. */
static inline int lm_port_is_plain(void)
{
	return !log_malloc_port_lock && !vTaskSuspendAll && !log_malloc_port_interrupt && !log_malloc_port_task &&
	       !xTaskGetCurrentTaskHandle && !log_malloc_port_milliseconds && !xTaskGetTickCount;
}

const char *lm_port_task_name(uintptr_t context);

#endif
