/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a new file of the trace begins with: all that its lines refer to, and what is live (live.h). */
#ifndef LM_RENEW_H
#define LM_RENEW_H

#include <stdint.h>

/*
 * Writes that to where lm_sink_divert() says. Called with the lock of live.h, and in phase HELD. PARENT: as for
 * lm_marks_begin(). 0; or -1: not all is written. In either case, the next events write again what they refer to.
 */
int lm_renew_write(uint64_t parent);

#endif
