/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See kernel.h. For a Cortex-M3. */
#include "kernel.h"

#include <string.h>

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD  (*(volatile uint32_t *)0xe000e014)
#define INTERRUPTS      (*(volatile uint32_t *)0xe000ed04)
#define PRIORITIES      (*(volatile uint32_t *)0xe000ed20)
#define PEND_SWITCH     (1u << 28)

struct task {
	uint32_t *sp; /* first: PendSV stores it there */
	const char *name;
};

static struct task *tasks[2];
struct task *current;
static unsigned suspended, switches;
static int is_pending;
static volatile uint32_t ticks;

void systick(void);
void pendsv(void);
void kernel_switch(void);

/* ---- the heap: first fit, nothing is joined ---- */

struct block {
	size_t size;
	struct block *next; /* of those that are free */
};

static uint64_t heap[3000];
static size_t used, left = sizeof heap;
static struct block *released;

void *pvPortMalloc(size_t size)
{
	struct block *block = NULL;

	vTaskSuspendAll();
	size = (size + 7) & ~(size_t)7;
	for (struct block **at = &released; *at; at = &(*at)->next) {
		if ((*at)->size >= size) {
			block = *at;
			*at = block->next;
			break;
		}
	}
	if (!block && size + sizeof *block <= sizeof heap - used) {
		block = (struct block *)((char *)heap + used);
		block->size = size;
		used += size + sizeof *block;
	}
	if (block)
		left -= block->size + sizeof *block;
	xTaskResumeAll();
	return block ? block + 1 : NULL;
}

size_t xPortGetFreeHeapSize(void)
{
	return left;
}

void vPortFree(void *p)
{
	struct block *block = (struct block *)p - 1;

	if (!p)
		return;
	vTaskSuspendAll();
	block->next = released;
	released = block;
	left += block->size + sizeof *block;
	xTaskResumeAll();
}

/* ---- the scheduler ---- */

void vTaskSuspendAll(void)
{
	suspended++;
	__asm__ volatile("" : : : "memory");
}

BaseType_t xTaskResumeAll(void)
{
	__asm__ volatile("" : : : "memory");
	if (--suspended == 0 && is_pending) {
		is_pending = 0;
		INTERRUPTS = PEND_SWITCH;
		return 1;
	}
	return 0;
}

/* As FreeRTOS does, it tells the task that will run first as soon as there is one. */
TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
	return current;
}

TickType_t xTaskGetTickCount(void)
{
	return ticks;
}

char *pcTaskGetName(TaskHandle_t task)
{
	return (char *)((struct task *)task)->name;
}

unsigned kernel_switches(void)
{
	return switches;
}

void systick(void)
{
	ticks++;
	if (suspended)
		is_pending = 1;
	else
		INTERRUPTS = PEND_SWITCH;
}

void kernel_switch(void)
{
	current = current == tasks[0] ? tasks[1] : tasks[0];
	switches++;
}

__attribute__((naked)) void pendsv(void)
{
	__asm__ volatile("mrs r0, psp\n\t"
	                 "stmdb r0!, {r4-r11}\n\t"
	                 "ldr r1, =current\n\t"
	                 "ldr r2, [r1]\n\t"
	                 "str r0, [r2]\n\t"
	                 "push {r1, lr}\n\t"
	                 "bl kernel_switch\n\t"
	                 "pop {r1, lr}\n\t"
	                 "ldr r2, [r1]\n\t"
	                 "ldr r0, [r2]\n\t"
	                 "ldmia r0!, {r4-r11}\n\t"
	                 "msr psp, r0\n\t"
	                 "bx lr\n\t"
	                 ".ltorg");
}

static struct task *made(void (*function)(void *), const char *name)
{
	const size_t words = 512;
	struct task *task = pvPortMalloc(sizeof *task);
	uint32_t *stack = pvPortMalloc(words * sizeof *stack);
	/* Registers 4 to 11, then what an exception stores: 0 to 3, 12, lr, pc and the flags. */
	uint32_t *sp = stack + words - 16;

	memset(sp, 0, 16 * sizeof *sp);
	sp[14] = (uint32_t)function & ~1u;
	sp[15] = 1u << 24;
	task->sp = sp;
	task->name = name;
	return task;
}

void kernel_start(void (*first)(void *), const char *first_name, void (*second)(void *), const char *second_name)
{
	tasks[0] = made(first, first_name);
	tasks[1] = made(second, second_name);
	current = tasks[0];
	/* Both at the lowest priority. */
	PRIORITIES |= 0xffff0000u;
	SYSTICK_RELOAD = 300;
	SYSTICK_CONTROL = 7;
	__asm__ volatile("msr psp, %0\n\t"
	                 "movs r0, #2\n\t"
	                 "msr control, r0\n\t"
	                 "isb\n\t"
	                 "bx %1"
	                 :
	                 : "r"(tasks[0]->sp + 16), "r"(first)
	                 : "r0", "memory");
	__builtin_unreachable();
}
