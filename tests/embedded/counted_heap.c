/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the counters say of a heap of FreeRTOS's, which tells how much of it is free and not how large a block is. */
#include "kernel.h"
#include "log-malloc2-embedded.h"
#include "semihost.h"

int main(void)
{
	const struct log_malloc_counts *counts = &log_malloc_counts;
	size_t before = xPortGetFreeHeapSize();
	void *first = pvPortMalloc(10), *second = pvPortMalloc(100);
	int failed = counts->blocks != 2 || counts->bytes != before - xPortGetFreeHeapSize() || counts->largest != 100;
	size_t peak = counts->bytes;

	vPortFree(first);
	vPortFree(NULL);
	failed |= (counts->blocks != 1 || counts->bytes != before - xPortGetFreeHeapSize() || counts->peak != peak)
	          << 1;
	failed |= (pvPortMalloc(1u << 20) || counts->failed != 1 || counts->largest != 1u << 20) << 2;
	vPortFree(second);
	failed |= (counts->blocks || counts->bytes) << 3;
	semihost_exit(failed);
}
