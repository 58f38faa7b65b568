/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A heap that tells its listeners, and one thread. */
#include <zephyr/kernel.h>
#include <zephyr/sys/heap_listener.h>

struct k_thread {
	const char *name;
};

struct k_heap _system_heap;
static struct heap_listener *listeners;
static struct k_thread thread = {"worker"};
static uint64_t memory[512];

void heap_listener_register(struct heap_listener *listener)
{
	listener->next = listeners;
	listeners = listener;
}

__attribute__((noinline)) void *k_malloc(size_t size)
{
	void *block = &memory[_system_heap.heap.used];

	_system_heap.heap.used += (size + 7) / 8;
	for (struct heap_listener *l = listeners; l; l = l->next) {
		if (l->alloc && l->heap_id == HEAP_ID_FROM_POINTER(&_system_heap.heap))
			l->alloc(l->heap_id, block, size);
	}
	return block;
}

void k_free(void *block)
{
	for (struct heap_listener *l = listeners; l; l = l->next) {
		if (l->free && l->heap_id == HEAP_ID_FROM_POINTER(&_system_heap.heap))
			l->free(l->heap_id, block, 0);
	}
}

unsigned int irq_lock(void)
{
	unsigned int before;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before) : : "memory");
	return before;
}

void irq_unlock(unsigned int key)
{
	__asm__ volatile("msr primask, %0" : : "r"(key) : "memory");
}

k_tid_t k_current_get(void)
{
	return &thread;
}

const char *k_thread_name_get(k_tid_t tid)
{
	return tid->name;
}

bool k_is_in_isr(void)
{
	return false;
}

uint32_t k_uptime_get_32(void)
{
	return 5000;
}
