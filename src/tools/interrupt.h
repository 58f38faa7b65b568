/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIGINT, as Ctrl-C sends it, ends reading: what is known so far is reported, and then
 * the program ends by the signal, as if it had not waited. A second one ends it at once.
 */
#ifndef LM_INTERRUPT_H
#define LM_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* To be called at the start. A SIGINT that is ignored stays ignored. */
void interrupt_watch(void);

/* Did SIGINT come? */
bool interrupt_came(void);

/* For a source: becomes 1 when it comes. */
const volatile sig_atomic_t *interrupt_flag(void);

/* To be called at the end. Ends the program by the signal, if that came. */
void interrupt_end(void);

#endif
