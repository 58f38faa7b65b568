/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Says for people that the tracker came into a process that ran already. */
#ifndef LM_ATTACHED_TEXT_H
#define LM_ATTACHED_TEXT_H

#include "trace.h"

enum { ATTACHED_MAX = 160 };

/*
 * Words that follow "attached ": "at 2026-11-26 12:30:05; what the process had allocated before, 1234 bytes, is not in
 * here"; "before", not "at", in a later file of a trace that goes on in new ones. "" for an image whose process was not
 * attached to.
 */
const char *attached_text(char words[ATTACHED_MAX], const struct trace_image *image);

#endif
