/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What counts the blocks that find no room (table.h). The linker takes this object where something sets it. */
#include "table.h"

uint32_t *lm_table_lost;
