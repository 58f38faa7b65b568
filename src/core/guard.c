/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See guard.h. */
#include "guard.h"

__thread volatile unsigned char lm_guard;
