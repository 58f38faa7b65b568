/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Switches tracing off and on: for the program (log-malloc2.h), and by a signal
 * that the user chose.
 */
#ifndef LM_CONTROL_H
#define LM_CONTROL_H

/* Async-signal-safe. */
void lm_control_want(int wanted);

/* Signal NUMBER toggles tracing from now on. If the program uses that signal itself, one line on standard error says
 * so. */
void lm_control_toggle_by(int number);

#endif
