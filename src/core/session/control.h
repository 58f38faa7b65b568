/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Switching tracing off and on: by the program (log-malloc2.h), or by a signal
 * that the user chose. Async-signal-safe.
 */
#ifndef LM_CONTROL_H
#define LM_CONTROL_H

void lm_control_want(int wanted);

/* Signal NUMBER toggles tracing from now on, unless the program has a use for it: then one line says so. */
void lm_control_toggle_by(int number);

#endif
