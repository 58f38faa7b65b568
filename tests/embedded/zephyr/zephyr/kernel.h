/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in for Zephyr's header of that name: what the tracker uses of it, as its documentation has it. */
#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct k_thread;
typedef struct k_thread *k_tid_t;

struct sys_heap {
	size_t used;
};

struct k_heap {
	struct sys_heap heap;
};

extern struct k_heap _system_heap;

unsigned int irq_lock(void);
void irq_unlock(unsigned int key);
k_tid_t k_current_get(void);
const char *k_thread_name_get(k_tid_t thread);
bool k_is_in_isr(void);
uint32_t k_uptime_get_32(void);
void *k_malloc(size_t size);
void k_free(void *block);

#endif
