/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of a program that defines none itself: the linker takes this object only then. */
#include "log-malloc2-embedded.h"

LOG_MALLOC_TABLE(LM_TABLE_BLOCKS);
