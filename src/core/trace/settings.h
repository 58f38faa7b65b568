/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the user chose of a trace's look. Set before the first event (session/), then only read. */
#ifndef LM_SETTINGS_H
#define LM_SETTINGS_H

#include "compiler.h"

extern struct lm_settings {
	unsigned depth; /* frames of a backtrace, at most */
	int compact;    /* each backtrace is written once, and events name it by number */
} lm_settings LM_INTERNAL;

#endif
