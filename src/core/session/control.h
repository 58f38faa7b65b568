/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Switches tracing off and on, and marks moments: for the program (log-malloc2.h), and
 * by signals that the user chose.
 */
#ifndef LM_CONTROL_H
#define LM_CONTROL_H

/* Async-signal-safe. */
void lm_control_want(int wanted);

/* Writes a mark to the trace: 1; 0 if there is no trace or it is switched off. Leaves errno alone. Async-signal-safe.
 */
int lm_control_mark(const char *name);

/*
 * Signal NUMBER toggles tracing from now on, or writes a mark called LM_TRACE_SIGNALLED. If the program uses that
 * signal itself, one line on standard error says so.
 */
void lm_control_toggle_by(int number);
void lm_control_mark_by(int number);

/* Both signals have their default effect again, unless the program has found a use for them. */
void lm_control_release(void);

#endif
