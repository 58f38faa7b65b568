/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the core needs of the system that it runs on. A system is a folder: port/linux,
 * or port/bare for a chip, with an RTOS or without. This page states what each has to
 * give. What a folder gives beyond that is of use on its system alone: files, signals,
 * fork and the loader on Linux.
 *
 * A module of the core that both builds share includes only the headers named here.
 * The Makefile puts the folder of the system in front of this one.
 *
 * atomic.h        Accesses to what two threads, or a thread and a handler, may use at
 *                 the same time. port/atomic.h is for systems where they do so at
 *                 once. A system where the tracker holds a lock during all of its
 *                 work has one of its own, with plain accesses.
 *
 * cache.h         LM_CACHE_LINE: to what counters are aligned that several processors
 *                 change. A power of two, 8 where there is one processor.
 *
 * clock.h         uint64_t lm_clock_ms(void)
 *                 Milliseconds of a clock that never goes back. It may wrap at 2^32
 *                 where nothing else is had. 0 for ever: there is no clock.
 *                 Any thread, any handler; allocates nothing, leaves errno alone.
 *
 * The rest is needed only of a system where the tracker has no threads and files of its
 * own. No function allocates, blocks or touches errno.
 *
 * turn.h          int lm_port_lock(uintptr_t *state)
 *                 void lm_port_unlock(uintptr_t state)
 *                 Between both, the caller works on what the tracker keeps: no other
 *                 thread does the same, and either no interrupt handler runs, or one
 *                 that calls lm_port_lock() gets -1. Returns 0 and a state for
 *                 lm_port_unlock(). -1: the caller is a handler that interrupted the
 *                 tracker, and must not touch anything. Does not nest.
 *
 *                 uintptr_t lm_port_context(void)
 *                 What runs now: LM_PORT_MAIN, or the address of a task's handle, or the
 *                 number of an interrupt, which is greater than LM_PORT_MAIN and less
 *                 than LM_PORT_INTERRUPTS. Two that can be inside the allocator at the
 *                 same time differ, unless the system can't tell them apart.
 *
 *                 uintptr_t lm_port_stack_end(uintptr_t sp)
 *                 An address above SP; the memory from SP up to there can be read.
 *
 *                 const char *lm_port_task_name(uintptr_t context)
 *                 The name of the task with that handle, or "". It may change when the
 *                 task ends.
 */
#ifndef LM_PORT_H
#define LM_PORT_H

#define LM_PORT_MAIN       1
#define LM_PORT_INTERRUPTS 1024

#endif
