/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Atomic accesses by name. Every variable that two threads, or a thread and a
 * signal handler, may use at the same time is accessed through these.
 *
 * Three orders are used, and each name tells which:
 *
 * - lm_load(), lm_store(): relaxed. The value is whole, nothing else is said.
 *   For counters, hints, and words that only their owner writes.
 *
 * - lm_store_release(), lm_load_acquire(): publication. A thread fills an
 *   object and then stores its address, its state or a position with release.
 *   Another thread that loads the stored value with acquire sees the object as
 *   it was filled. Used for lists that grow at their head, for the ring's limit
 *   and tail, and for "this is written now" marks.
 *
 * - Read-modify-write (lm_add(), lm_exchange(), lm_compare_exchange(),
 *   lm_fetch_or(), lm_fetch_and()) and lm_load_ordered(): sequentially
 *   consistent. All threads see all of them in one order, and each of them also
 *   publishes and acquires. Where a thread announces something in one variable
 *   and then reads another, and a second thread does the same the other way
 *   round, at least one of them sees the other's announcement if both use such
 *   an operation in between. ring.h uses this: a thread announces its record in
 *   its slot, then moves the head; whoever reads the head first and the slots
 *   afterwards can't miss a record in front of that head.
 *
 * On x86-64 the first two are plain instructions, and read-modify-write
 * instructions are locked. On weakly ordered machines (aarch64, riscv64,
 * ppc64) the compiler adds what each order needs, so no code here may count on
 * plain accesses being ordered. tests/unit/races.c runs the core under
 * ThreadSanitizer, which knows these orders and no machine's.
 *
 * lm_fence_signal() orders a thread's own accesses against those of a signal
 * handler on the same thread. It is for the compiler alone and costs nothing.
 *
 * All are async-signal-safe as long as the variable is at most as wide as a
 * register. A 64-bit counter on a 32-bit machine may need the compiler's
 * library (libatomic), which the Makefile finds out.
 */
#ifndef LM_ATOMIC_H
#define LM_ATOMIC_H

#include <stdint.h>

#define lm_load(p)         __atomic_load_n((p), __ATOMIC_RELAXED)
#define lm_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define lm_load_ordered(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)

#define lm_store(p, value)         __atomic_store_n((p), (value), __ATOMIC_RELAXED)
#define lm_store_release(p, value) __atomic_store_n((p), (value), __ATOMIC_RELEASE)

/* The value after the addition. */
#define lm_add(p, value) __atomic_add_fetch((p), (value), __ATOMIC_SEQ_CST)

/* The value before. */
#define lm_exchange(p, value)  __atomic_exchange_n((p), (value), __ATOMIC_SEQ_CST)
#define lm_fetch_add(p, value) __atomic_fetch_add((p), (value), __ATOMIC_SEQ_CST)
#define lm_fetch_or(p, value)  __atomic_fetch_or((p), (value), __ATOMIC_SEQ_CST)
#define lm_fetch_and(p, value) __atomic_fetch_and((p), (value), __ATOMIC_SEQ_CST)

/* Stores VALUE if *P is *EXPECTED: 1. Else 0, and *EXPECTED is what was found. */
#define lm_compare_exchange(p, expected, value)                                                                        \
	__atomic_compare_exchange_n((p), (expected), (value), 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)

/*
 * NAME(p, expected, value) stores VALUE, a TYPE of 8 or 16 bits, at P if EXPECTED stands there: 1; else 0. Machines
 * load and store such a part of a word, but not all of them compare and exchange it (riscv64, MIPS). So the word around
 * P is exchanged, and what other threads store in its other parts meanwhile is kept.
 */
#define LM_DEFINE_REPLACE(name, type)                                                                                  \
	static inline int name(void *p, type expected, type value)                                                     \
	{                                                                                                              \
		typedef uint32_t __attribute__((may_alias)) word;                                                      \
		word *whole = (word *)((uintptr_t)p & ~(uintptr_t)(sizeof *whole - 1));                                \
		unsigned at = (unsigned)((uintptr_t)p % sizeof *whole / sizeof(type));                                 \
		union {                                                                                                \
			uint32_t word;                                                                                 \
			type part[sizeof(word) / sizeof(type)];                                                        \
		} found = {.word = lm_load(whole)}, wanted;                                                            \
                                                                                                                       \
		do {                                                                                                   \
			if (found.part[at] != expected)                                                                \
				return 0;                                                                              \
			wanted = found;                                                                                \
			wanted.part[at] = value;                                                                       \
		} while (!lm_compare_exchange(whole, &found.word, wanted.word));                                       \
		return 1;                                                                                              \
	}

LM_DEFINE_REPLACE(lm_replace_byte, uint8_t)
LM_DEFINE_REPLACE(lm_replace_half, uint16_t)
#undef LM_DEFINE_REPLACE

#define lm_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define lm_fence_signal()  __atomic_signal_fence(__ATOMIC_SEQ_CST)

#endif
