/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Begin of a trace. Called between lm_port_lock() and lm_port_unlock() alone. */
#ifndef LM_SESSION_H
#define LM_SESSION_H

#include <stdint.h>

/* The lines that a trace begins with. */
void lm_session_send_head(void);

/* # THREAD */
void lm_session_send_task(unsigned number, uintptr_t handle);

/* Tasks and blocks that there are already, as if they were made now. */
void lm_session_send_live(void);

#endif
