/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A trace that can't be written, but perhaps later: the phase is STOPPED
 * (state.h), and one event in 100 ms tries again. What is in the way goes out
 * first, then the lines that an image begins with if they are missing, then how
 * many events are. Two lines on standard error in all, so that a disk that
 * hovers around full does not fill the screen.
 */
#ifndef LM_TROUBLE_H
#define LM_TROUBLE_H

/* The lines that a process image begins with, as of lm_marks_begin(): 0; or -1, and they are written when that goes. */
int lm_trouble_begin(long parent);

/*
 * Tries again now, or if it is time. Not on top of a record. Does nothing in a
 * child of vfork, whose descriptors are its own.
 */
void lm_trouble_try(void);
void lm_trouble_try_in_time(void);

#endif
