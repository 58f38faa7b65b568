/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The same as emit.h, for a packed trace: as quickly as possible where a packed record can tell of the event. */
#ifndef LM_EMIT_PACKED_H
#define LM_EMIT_PACKED_H

#include "caller.h"
#include "record.h"
#include "thread.h"

/* Both also account for the change, and leave errno alone. A release has no backtrace. */
void lm_emit_packed_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size,
                           size_t usable);
void lm_emit_packed_free(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable);

/* Any other event. */
void lm_emit_packed(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller);

#endif
