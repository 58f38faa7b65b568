/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * log-malloc2 under Zephyr, which needs CONFIG_HEAP_LISTENER, and CONFIG_SYS_HEAP_LISTENER
 * for the heaps of k_heap and k_malloc(). log-malloc2-embedded(7) is the manual page.
 *
 * Once in the program, at file scope:
 *
 *	LOG_MALLOC_ZEPHYR_SYSTEM();
 *	LOG_MALLOC_ZEPHYR_HEAP(system, HEAP_ID_FROM_POINTER(&_system_heap.heap));
 *
 * and in main(), behind log_malloc_set_writer() or in front of it:
 *
 *	log_malloc_zephyr_system_listen();
 *
 * A listener is told of a block, but not by whom it was asked for: an archive that was
 * built with EMBEDDED_UNWIND=exidx finds that on the stack.
 */
#ifndef LOG_MALLOC2_ZEPHYR_H
#define LOG_MALLOC2_ZEPHYR_H

#include <zephyr/kernel.h>
#include <zephyr/sys/heap_listener.h>

#include "log-malloc2-embedded.h"

/* Threads, interrupts, the lock and the clock are Zephyr's. */
#define LOG_MALLOC_ZEPHYR_SYSTEM()                                                                                     \
	uintptr_t log_malloc_port_lock(void)                                                                           \
	{                                                                                                              \
		return irq_lock();                                                                                     \
	}                                                                                                              \
	void log_malloc_port_unlock(uintptr_t state)                                                                   \
	{                                                                                                              \
		irq_unlock((unsigned int)state);                                                                       \
	}                                                                                                              \
	void *log_malloc_port_task(void)                                                                               \
	{                                                                                                              \
		return k_current_get();                                                                                \
	}                                                                                                              \
	const char *log_malloc_port_task_name(void *task)                                                              \
	{                                                                                                              \
		const char *name = k_thread_name_get((k_tid_t)task);                                                   \
                                                                                                                       \
		return name ? name : "";                                                                               \
	}                                                                                                              \
	uintptr_t log_malloc_port_interrupt(void)                                                                      \
	{                                                                                                              \
		return k_is_in_isr();                                                                                  \
	}                                                                                                              \
	uint32_t log_malloc_port_milliseconds(void)                                                                    \
	{                                                                                                              \
		return k_uptime_get_32();                                                                              \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

/* The heap ID is listened to, from a call of log_malloc_zephyr_NAME_listen() on. */
#define LOG_MALLOC_ZEPHYR_HEAP(name, id)                                                                               \
	static void log_malloc_zephyr_##name##_alloc(uintptr_t heap, void *block, size_t size)                         \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
                                                                                                                       \
		(void)heap;                                                                                            \
		log_malloc_heap_alloc(block, size, &caller);                                                           \
	}                                                                                                              \
	static void log_malloc_zephyr_##name##_free(uintptr_t heap, void *block, size_t size)                          \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
                                                                                                                       \
		(void)heap, (void)size;                                                                                \
		log_malloc_heap_free(block, &caller);                                                                  \
	}                                                                                                              \
	HEAP_LISTENER_ALLOC_DEFINE(log_malloc_zephyr_##name##_alloc_listener, id, log_malloc_zephyr_##name##_alloc);   \
	HEAP_LISTENER_FREE_DEFINE(log_malloc_zephyr_##name##_free_listener, id, log_malloc_zephyr_##name##_free);      \
	static void log_malloc_zephyr_##name##_listen(void)                                                            \
	{                                                                                                              \
		heap_listener_register(&log_malloc_zephyr_##name##_alloc_listener);                                    \
		heap_listener_register(&log_malloc_zephyr_##name##_free_listener);                                     \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#endif
