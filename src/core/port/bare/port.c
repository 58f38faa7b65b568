/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See turn.h and clock.h. */
#include "clock.h"
#include "turn.h"

#define SCHEDULER_NOT_STARTED 1

/* The tracker is at work in a task, and a handler can come in between. */
static volatile uint8_t is_busy;

/* What lm_port_unlock() gets if the scheduler is suspended. No state of interrupts is that. */
#define SUSPENDED (~(uintptr_t)0)

static uintptr_t interrupt(void)
{
	return log_malloc_port_interrupt ? log_malloc_port_interrupt() : lm_interrupts_current();
}

/* Before the scheduler starts, the current task is the one that will run first, but main() runs. */
static int tasks_run(void)
{
	return !xTaskGetSchedulerState || xTaskGetSchedulerState() != SCHEDULER_NOT_STARTED;
}

/* As long as there is no task, FreeRTOS would leave interrupts masked behind xTaskResumeAll(). */
static int can_suspend(void)
{
	return vTaskSuspendAll && !interrupt() && tasks_run() &&
	       (!xTaskGetCurrentTaskHandle || xTaskGetCurrentTaskHandle());
}

int lm_port_lock(uintptr_t *state)
{
	if (log_malloc_port_lock) {
		*state = log_malloc_port_lock();
	} else if (can_suspend()) {
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
	} else if (vTaskSuspendAll && state == SUSPENDED) {
		is_busy = 0;
		xTaskResumeAll();
	} else {
		lm_interrupts_restore(state);
	}
}

uintptr_t lm_port_context(void)
{
	uintptr_t number = interrupt();
	void *task = NULL;

	/* The first numbers are those of faults, and LM_PORT_MAIN is not to be one of them. */
	if (number)
		return number + LM_PORT_MAIN;
	if (log_malloc_port_task)
		task = log_malloc_port_task();
	else if (xTaskGetCurrentTaskHandle && tasks_run())
		task = xTaskGetCurrentTaskHandle();
	return task ? (uintptr_t)task : LM_PORT_MAIN;
}

const char *lm_port_task_name(uintptr_t context)
{
	if (log_malloc_port_task_name)
		return log_malloc_port_task_name((void *)context);
	return pcTaskGetName ? pcTaskGetName((void *)context) : "";
}

uint64_t lm_clock_ticks(void)
{
	return log_malloc_port_milliseconds ? log_malloc_port_milliseconds() : xTaskGetTickCount();
}

/* Without anything better, what a function has pushed lies within so many bytes. */
#define STACK_NEAR 128

uintptr_t lm_port_stack_end(uintptr_t sp)
{
	uintptr_t first;

	if (log_malloc_port_stack_end)
		return log_malloc_port_stack_end(sp);
	first = lm_interrupts_first_stack();
	/* Memory goes on above any other stack, up to the first one, which mostly is at its end. */
	return sp < first && first - sp < LM_MEMORY_MAX ? first : sp + STACK_NEAR;
}
