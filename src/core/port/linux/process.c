/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See process.h. */
#include "process.h"

#include "sys.h"

static long owner;

long lm_process_adopt(void)
{
	owner = lm_sys(SYS_getpid);
	return owner;
}

void lm_process_leave(void)
{
	owner = 0;
}

long lm_process_owner(void)
{
	return owner;
}

int lm_process_is_owner(void)
{
	long self = lm_sys(SYS_getpid);

	return self == owner || self < 0;
}
