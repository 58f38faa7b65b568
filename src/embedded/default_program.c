/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The name of a program that does not tell it: the linker takes this object only then. */
#include "log-malloc2-embedded.h"

LOG_MALLOC_PROGRAM("firmware.elf");
