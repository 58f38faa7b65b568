/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The line on standard error that tells the user where the trace goes. */
#ifndef LM_BANNER_H
#define LM_BANNER_H

#include "output.h"

void lm_banner_print(struct lm_output *output);

#endif
