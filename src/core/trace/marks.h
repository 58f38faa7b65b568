/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The lines of a trace that are not events: the first and last lines of a process
 * image, loaded modules, lost events, the program's own text. Called with the
 * guard at LM_GUARD_TRACKER. Functions return 0; or -1 if the line is not in the
 * trace.
 */
#ifndef LM_MARKS_H
#define LM_MARKS_H

#include <stdint.h>
#include <sys/uio.h>

#include "module.h"
#include "thread.h"

/* Writes COUNT parts as one record of the calling thread. lm_sink_write() says what they have to be. */
int lm_marks_send(struct iovec *parts, int count);

/* Writes LENGTH bytes of whole lines as one record. Returns LENGTH, or 0 if they could not be written. */
int lm_marks_text(const char *text, int length);

/*
 * Writes a mark with the name NAME, which is cut to LM_TRACE_MARK_MAX bytes, and the time in front of it unless the
 * user wants none. Async-signal-safe.
 */
int lm_marks_mark(const char *name);

/*
 * Writes that the trigger WORD has fired, at VALUE bytes of AMOUNT, unless that is 0; and its mark (trigger.h), with
 * the time as above.
 */
int lm_marks_fired(const char *word, uint64_t value, uint64_t amount);

/* Writes the marks that somebody outside of the process asks for (asked.h). */
void lm_marks_asked(void);

/* Writes the process's title if it is another one than before (title.h). MS: the time, as of lm_sample_now(). */
void lm_marks_title(uint64_t ms);

/* Another trace begins: nobody writes marks. */
void lm_marks_forget(void);

/* Writes where MODULE lies, and marks it as announced. */
int lm_marks_module(struct lm_module *module);

/* Writes that the return address PC was guessed, and notes that it is told. */
int lm_marks_guess(uintptr_t pc);

/*
 * Announces THREAD, the calling thread, if the trace does not name it. If it does, announces it again if it has another
 * name now. -1: the trace does not name it.
 */
int lm_marks_thread(struct lm_thread *thread);

/* Writes how many events were lost since the last such line, if any were. */
int lm_marks_lost(void);

/* Writes that the trace has reached its limit of BYTES (limit.h). */
int lm_marks_limit(uint64_t bytes);

/* How many lost events the trace of this process image tells of. */
uint64_t lm_marks_missing(void);

/* ---- only for the thread that holds the phase, or resumes a stopped trace (sink.h) ---- */

/* The first lines of a process image, up to INIT. PARENT: the process that forked this one and whose blocks it has, or
 * 0. */
int lm_marks_begin(uint64_t parent);

/* The same of a new file of the trace (renew.h), whose INIT has TOTALS. */
int lm_marks_renew(uint64_t parent, struct lm_totals totals);

/* COUNT live blocks follow. */
int lm_marks_live(uint64_t count);

/* The line of a thread that allocated live blocks. */
int lm_marks_former_thread(unsigned number, uint64_t tid, const char *name);

/* COUNT events are missing in front of a new file. */
int lm_marks_missed(uint64_t count);

/* The trace goes on in a new file. */
int lm_marks_continued(void);

/* The same as lm_marks_lost() and lm_marks_limit(). */
int lm_marks_lost_first(void);
int lm_marks_limit_first(uint64_t bytes);

/* The trace ends, and the process goes on. */
int lm_marks_detached(void);

/* So many bytes are written by lm_marks_detached() and lm_marks_end() together, at most, if the process stays as it is.
 */
uint64_t lm_marks_end_size(void);

/* FINI, then the memory map if there is room for it. 0; or -1 if FINI could not be written. */
int lm_marks_end(void);

#endif
