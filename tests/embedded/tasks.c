/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two tasks that are interrupted anywhere, each of which leaks, over FreeRTOS's interface (kernel.c). */
#include "kernel.h"
#include "log-malloc2-embedded.h"
#include "semihost.h"

LOG_MALLOC_TABLE(64);
LOG_MALLOC_PROGRAM("tasks.elf");

#define ROUNDS 300

static volatile int done;
static void *volatile kept[2];

static __attribute__((noinline)) void leak_in_reader(void)
{
	kept[0] = pvPortMalloc(111); /* leak */
}

static __attribute__((noinline)) void leak_in_sender(void)
{
	kept[1] = pvPortMalloc(222); /* leak */
}

static __attribute__((noinline)) void churn(int seed)
{
	void *blocks[4] = {0};

	for (int i = 0; i < ROUNDS; i++) {
		void **block = &blocks[(i * 7 + seed) % 4];

		vPortFree(*block);
		*block = pvPortMalloc(8u + (unsigned)(i * 13 + seed) % 90);
	}
	for (int i = 0; i < 4; i++)
		vPortFree(blocks[i]);
}

static void reader(void *argument)
{
	(void)argument;
	leak_in_reader();
	churn(1);
	done++;
	for (;;)
		;
}

static void sender(void *argument)
{
	(void)argument;
	churn(2);
	leak_in_sender();
	done++;
	while (done < 2)
		;
	log_malloc_trace_finish();
	semihost_exit(log_malloc_get_lost() != 0 || kernel_switches() < 20);
}

int main(void)
{
	static uintptr_t file;

	file = semihost_open("trace");
	log_malloc_set_format(FORMAT);
	log_malloc_set_writer(semihost_write, &file);
	kernel_start(reader, "reader", sender, "sender");
}
