/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See port.h. A chip, with FreeRTOS or without: which of both is found out by the
 * linker, as FreeRTOS's functions are referred to weakly. What a program with another
 * RTOS gives instead, log_malloc_port_...(), is declared in log-malloc2-embedded.h.
 *
 * Without an RTOS, interrupts are masked while the tracker works. In a task of
 * FreeRTOS, its scheduler is suspended, and interrupts go on: handlers do not call its
 * allocator. One that calls another allocator just then is turned away.
 */
#include "port.h"

#include <stddef.h>

#include "clock.h"
#include "interrupts.h"
#include "log-malloc2-embedded.h"

/* FreeRTOS's own, as its documentation has them: BaseType_t is long, TickType_t mostly 32 bits. */
extern void *xTaskGetCurrentTaskHandle(void) __attribute__((weak));
extern long xTaskGetSchedulerState(void) __attribute__((weak));
extern char *pcTaskGetName(void *task) __attribute__((weak));
extern uint32_t xTaskGetTickCount(void) __attribute__((weak));
extern void vTaskSuspendAll(void) __attribute__((weak));
extern long xTaskResumeAll(void) __attribute__((weak));

#define SCHEDULER_NOT_STARTED 1

/* The tracker is at work in a task, and a handler can come in between. */
static volatile uint8_t is_busy;

/* What lm_port_unlock() gets if the scheduler is suspended. No state of interrupts is that. */
#define SUSPENDED (~(uintptr_t)0)

static uintptr_t interrupt(void)
{
	return log_malloc_port_interrupt ? log_malloc_port_interrupt() : lm_interrupts_current();
}

int lm_port_lock(uintptr_t *state)
{
	if (log_malloc_port_lock) {
		*state = log_malloc_port_lock();
	} else if (vTaskSuspendAll && !interrupt()) {
		vTaskSuspendAll();
		*state = SUSPENDED;
		is_busy = 1;
	} else {
		*state = lm_interrupts_mask();
		if (is_busy) {
			lm_interrupts_restore(*state);
			return -1;
		}
	}
	return 0;
}

void lm_port_unlock(uintptr_t state)
{
	if (log_malloc_port_unlock) {
		log_malloc_port_unlock(state);
	} else if (state == SUSPENDED) {
		is_busy = 0;
		xTaskResumeAll();
	} else {
		lm_interrupts_restore(state);
	}
}

/* Before the scheduler starts, the current task is the one that will run first, but main() runs. */
static int tasks_run(void)
{
	return !xTaskGetSchedulerState || xTaskGetSchedulerState() != SCHEDULER_NOT_STARTED;
}

uintptr_t lm_port_context(void)
{
	uintptr_t context = interrupt();

	/* The first numbers are those of faults, and LM_PORT_MAIN is not to be one of them. */
	if (context)
		return context + LM_PORT_MAIN;
	if (log_malloc_port_task)
		context = (uintptr_t)log_malloc_port_task();
	else if (xTaskGetCurrentTaskHandle && tasks_run())
		context = (uintptr_t)xTaskGetCurrentTaskHandle();
	return context ? context : LM_PORT_MAIN;
}

const char *lm_port_task_name(uintptr_t context)
{
	if (log_malloc_port_task_name)
		return log_malloc_port_task_name((void *)context);
	return pcTaskGetName ? pcTaskGetName((void *)context) : "";
}

uint64_t lm_clock_ms(void)
{
	if (log_malloc_port_milliseconds)
		return log_malloc_port_milliseconds();
	return xTaskGetTickCount ? xTaskGetTickCount() : 0;
}
