/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a noun behind a number. */
#ifndef LM_PLURAL_H
#define LM_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

#endif
