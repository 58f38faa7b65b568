/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A mapped file can be cut by whoever may write to it. Whoever touches the
 * mapping then gets SIGBUS, and the program would die of it. While a mapping is
 * protected, such a fault puts private memory in its place, and all goes on.
 *
 * This takes a handler for SIGBUS. It stands in front of the program's own: a
 * fault elsewhere, or a signal that somebody sent, is passed on to that, or has
 * its default effect. A program that sets a handler later gets it; at the next
 * lm_busfault_check() ours is in front of it again. A thread in which the
 * program blocks SIGBUS can't be helped: the kernel kills the process, whatever
 * the handler.
 */
#ifndef LM_BUSFAULT_H
#define LM_BUSFAULT_H

#include <stddef.h>

/* Of one mapping at a time, of whole pages; it replaces the one before. Nothing is done where there can be no handler.
 */
void lm_busfault_protect(void *start, size_t size);

/* From here on, a fault there is the program's. */
void lm_busfault_unprotect(void);

/* Is the handler still ours? Else it is from now on. Async-signal-safe. */
void lm_busfault_check(void);

/* Was the protected mapping replaced by private memory? */
int lm_busfault_has_happened(void);

#endif
