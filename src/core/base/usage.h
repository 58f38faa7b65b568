/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How much memory the process has, and may have: bytes. By system calls; no descriptor stays open. */
#ifndef LM_USAGE_H
#define LM_USAGE_H

#include <stdint.h>

/* The resident memory. 0: it is not known. */
uint64_t lm_usage_resident(void);

/* The machine's memory. UINT64_MAX: it is not known. */
uint64_t lm_usage_machine(void);

/* What the process may have: the least of the machine's memory, its limits, and GROUP, the limit of its group. */
uint64_t lm_usage_allowed(uint64_t group);

#endif
