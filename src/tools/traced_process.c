/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "traced_process.h"
#include "top_target.h"
#include <stdio.h>
bool traced_process_find(uint64_t pid, char trace[PATH_MAX])
{
	struct top_target target = {0};
	if (!top_target_find(&target, pid)) return false;
	snprintf(trace, PATH_MAX, "%s", target.trace);
	return true;
}
