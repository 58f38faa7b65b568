/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the trace has no room to say: how many events are missing. On a full disk,
 * "# LOST" finds no room either. So the number is an extended attribute of the
 * trace's file, which most file systems keep without a block. The launcher reads
 * it. Where there are no such attributes, the number is not told.
 */
#ifndef LM_NOTE_H
#define LM_NOTE_H

#include <stdint.h>

/* LOST events are missing, and the trace does not say so. None: there is nothing to note. */
void lm_note_lost(uint64_t lost);
/* The same, and more may be lost behind these. A process that is killed then has told at least that. */
void lm_note_lost_so_far(uint64_t lost);

/* The trace has ended for good with ERROR, an errno; nobody counts what is missing from here on. */
void lm_note_end(uint64_t lost, int error);

/* The trace says all by itself again. */
void lm_note_remove(void);

/* How many events an earlier image of this process noted. The note stays until the trace says it. */
uint64_t lm_note_found(void);

/* The file may have a note of a trace that was there before. */
void lm_note_remove_old(void);

/* Another trace begins. */
void lm_note_forget(void);

#endif
