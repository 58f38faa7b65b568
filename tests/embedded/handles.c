/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Under FreeRTOS's interface: a handler that allocates while a task is inside the tracker, and a task whose handle is
 * that of one that ended. What runs is what CURRENT says.
 */
#include "kernel.h"
#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(32);
LOG_MALLOC_PROGRAM("handles.elf");
LOG_MALLOC_WRAP_MALLOC(pool_get);
LOG_MALLOC_WRAP_FREE(pool_put);

void *pool_get(size_t size);
void pool_put(void *block);
void pendsv(void);

static uintptr_t file;
static void *current;
static int interrupts_next, suspended;
static void *volatile in_handler;

void vTaskSuspendAll(void)
{
	suspended++;
}

BaseType_t xTaskResumeAll(void)
{
	suspended--;
	return 0;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
	return current;
}

void pendsv(void)
{
	in_handler = pool_get(9);
}

/* Called with the scheduler suspended, but with interrupts. */
static size_t take(const void *record, size_t size, void *arg)
{
	(void)arg;
	if (interrupts_next) {
		interrupts_next = 0;
		*(volatile uint32_t *)0xe000ed04 = 1u << 28;
		__asm__ volatile("dsb\n\tisb" : : : "memory");
	}
	return semihost_write(record, size, &file);
}

static void run_task(size_t size)
{
	void *handle = pool_get(50);

	current = handle;
	pool_put(pool_get(size));
	current = NULL;
	pool_put(handle);
}

int main(void)
{
	int failed;

	file = semihost_open("trace");
	log_malloc_set_writer(take, NULL);
	run_task(11);
	run_task(12);
	current = &file;
	interrupts_next = 1;
	pool_put(pool_get(13));
	failed = !in_handler || log_malloc_get_lost() != 1 || suspended;
	pool_put(in_handler);
	semihost_exit(failed);
}
