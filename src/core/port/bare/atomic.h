/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The accesses of port/atomic.h on a chip. The tracker works on its variables only
 * between lm_port_lock() and lm_port_unlock() (port.h), so plain accesses do. A
 * debugger that stops the chip, and a dump, see stores in the order of
 * lm_store_release(). No atomic instructions are needed, which small chips lack, nor
 * the compiler's library for 64 bits.
 */
#ifndef LM_ATOMIC_H
#define LM_ATOMIC_H

#define lm_fence_signal() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#define lm_load(p)         (*(p))
#define lm_load_acquire(p) (*(p))
#define lm_load_ordered(p) (*(p))

#define lm_store(p, value) ((void)(*(p) = (value)))
/* One instruction, behind all stores in front of it. */
#define lm_store_release(p, value) (lm_fence_signal(), (void)(*(volatile __typeof__(*(p)) *)(p) = (value)))

#define lm_add(p, value) (*(p) += (value))
#define lm_exchange(p, value)                                                                                          \
	__extension__({                                                                                                \
		__typeof__(p) lm_at_ = (p);                                                                            \
		__typeof__(*lm_at_) lm_before_ = *lm_at_;                                                              \
		*lm_at_ = (value);                                                                                     \
		lm_before_;                                                                                            \
	})
#define lm_fetch_add(p, value) (lm_add((p), (value)) - (value))

/* Only one changes *P at a time. So *P is still *EXPECTED if that was loaded before: 1. */
#define lm_compare_exchange(p, expected, value)                                                                        \
	__extension__({                                                                                                \
		__typeof__(p) lm_at_ = (p);                                                                            \
		int lm_same_ = *lm_at_ == *(expected);                                                                 \
		if (lm_same_)                                                                                          \
			*lm_at_ = (value);                                                                             \
		else                                                                                                   \
			*(expected) = *lm_at_;                                                                         \
		lm_same_;                                                                                              \
	})

#endif
