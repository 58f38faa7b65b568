/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See faults.h. */
#include "faults.h"

void is_unaffected(const struct run *result)
{
	ck_assert_msg(result->status == 5, "%d, %s", result->status, result->err);
	ck_assert_str_eq(result->out, "40000\n");
}

struct run run_faults(int flavour, const char *before, const char *command)
{
	return run("%s%s LOG_MALLOC_QUIET=1 LOG_MALLOC_OUTPUT=t " PROGRAMS "faults%s " EVENTS " '%s'", before,
	           flavours[flavour].environment, flavours[flavour].suffix, command);
}
