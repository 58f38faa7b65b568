/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See moment.h. */
#include "moment.h"

#include <errno.h>

#include "atomic.h"
#include "rotate.h"
#include "trigger.h"
#include "triggers.h"
#include "warn.h"

static unsigned is_told;

static void keep(enum lm_trigger_kind kind)
{
	char suffix[32];
	int error = -EEXIST;

	/* Files of earlier runs count, too, so that all together are bounded. */
	for (unsigned number = 1; error == -EEXIST && number <= LM_TRIGGER_FILES_MAX; number++) {
		lm_trigger_suffix(suffix, kind, number);
		error = lm_rotate_keep(suffix);
	}
	if (error == -EEXIST && !lm_exchange(&is_told, 1))
		lm_warn("all files for the moments of a trigger are there, those of earlier runs included: further "
		        "moments are marked, but their files are not kept",
		        0);
}

/* Of several kinds, the file has the marks of all, and the name of the first. */
void lm_moment_in_time(void)
{
	unsigned kinds = lm_triggers_take_kept();

	if (kinds)
		keep((enum lm_trigger_kind)__builtin_ctz(kinds));
}
