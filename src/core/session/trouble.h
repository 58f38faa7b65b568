/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A trace that can't be written now, but perhaps later, as on a full disk. The
 * phase is STOPPED (state.h), and every 100 ms an event tries again. Then three
 * things are written in this order: what could not be written before, the first
 * lines of the process image if they are missing, the number of lost events. A
 * trace causes at most two lines on standard error, even if the disk becomes full
 * again and again.
 */
#ifndef LM_TROUBLE_H
#define LM_TROUBLE_H

/* Writes the first lines of a process image (lm_marks_begin()). 0; or -1: they are written once the trace can be. */
int lm_trouble_begin(long parent);

/*
 * Try to write again: now, or only if it is time. Must not be called in the
 * middle of a record. They do nothing in a child of vfork, which has descriptors
 * of its own.
 */
void lm_trouble_try(void);
void lm_trouble_try_in_time(void);

#endif
