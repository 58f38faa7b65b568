/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What UNWIND=none keeps for each thread: nothing. */
#ifndef LM_UNWIND_MEMORY_H
#define LM_UNWIND_MEMORY_H

struct lm_unwind_memory {
	char nothing;
};

#endif
