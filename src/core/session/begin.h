/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The beginning of a trace, of the process that was started as well as of a child of fork. */
#ifndef LM_BEGIN_H
#define LM_BEGIN_H

#include "output.h"

/* Takes over the descriptor that was found. 0; or -1 after saying why, or where it is another process's trace. */
int lm_begin_open(const struct lm_output *output);

/* The phase is HELD; writes the first lines, and moves it on. PARENT: whose blocks the process has; 0: it has none. */
void lm_begin_trace(long parent);

#endif
