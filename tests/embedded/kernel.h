/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for FreeRTOS: those of its functions that the tracker uses, with the
 * signatures that its documentation has, and two tasks that are switched by a timer.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef void *TaskHandle_t;
typedef long BaseType_t;
typedef uint32_t TickType_t;

void *pvPortMalloc(size_t size);
void vPortFree(void *block);
size_t xPortGetFreeHeapSize(void);
void vTaskSuspendAll(void);
BaseType_t xTaskResumeAll(void);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
TickType_t xTaskGetTickCount(void);
char *pcTaskGetName(TaskHandle_t task);

/* Runs both tasks, whose control blocks and stacks come from pvPortMalloc(). */
_Noreturn void kernel_start(void (*first)(void *), const char *first_name, void (*second)(void *),
                            const char *second_name);

/* How often tasks were switched. */
unsigned kernel_switches(void);

#endif
