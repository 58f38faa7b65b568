/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of a trace that the tracker has kept for the moments at which triggers fired (trigger.h). */
#ifndef LM_KEPT_H
#define LM_KEPT_H

#include "trigger.h"

#include <limits.h>

/* Those that were found, by kind: a bit for each number. */
struct kept {
	unsigned found[LM_TRIGGER_KINDS];
};

/*
 * Opens the next file of the trace TRACE that is not in KEPT, and puts it there: its descriptor, and NAME is its name.
 * -1: there is none. A file that can't be opened is somebody else's, and is passed over, as the tracker does.
 */
int kept_next(struct kept *kept, const char *trace, char name[PATH_MAX]);

#endif
