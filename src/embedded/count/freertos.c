/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* FreeRTOS's allocator does not tell the size of a block, but how much is free. So nobody else may call it meanwhile.
 */
#include "count.h"

extern size_t xPortGetFreeHeapSize(void) __attribute__((weak));
void vTaskSuspendAll(void);
long xTaskResumeAll(void);
void *__real_pvPortMalloc(size_t size);
void __real_vPortFree(void *p);
void *__wrap_pvPortMalloc(size_t size);
void __wrap_vPortFree(void *p);

static size_t left(void)
{
	return xPortGetFreeHeapSize ? xPortGetFreeHeapSize() : 0;
}

void *__wrap_pvPortMalloc(size_t size)
{
	size_t before;
	void *p;

	vTaskSuspendAll();
	before = left();
	p = __real_pvPortMalloc(size);
	lm_count_new(p, size, before - left());
	xTaskResumeAll();
	return p;
}

void __wrap_vPortFree(void *p)
{
	size_t before;

	vTaskSuspendAll();
	before = left();
	__real_vPortFree(p);
	if (p)
		lm_count_gone(left() - before);
	xTaskResumeAll();
}
