/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which process this is: more than its number, which is used again. */
#ifndef LM_TOOLS_SELF_H
#define LM_TOOLS_SELF_H

#include <stdint.h>

/* The calling process, see src/format/identity.h. 0 where that can't be found out, as without /proc. */
uint64_t self_identity(void);

#endif
