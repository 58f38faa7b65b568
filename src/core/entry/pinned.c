/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See pinned.h. */
#include "pinned.h"

#include <errno.h>
#include <sys/mman.h>

#include "real.h"
#include "session.h"
#include "sizemap.h"

/*
 * The kernel compares RLIMIT_MEMLOCK with all that is mapped, and reads all of it
 * in. So the ring is written out and closed first, as before exec. The next ring
 * is opened after the usual number of events, and is not locked. The size map
 * is read in, but does not stay locked.
 */
int lm_mlockall(int flags)
{
	int result, error;

	if (!(flags & MCL_CURRENT))
		return lm_real_mlockall(flags);
	lm_session_before_exec();
	result = lm_real_mlockall(flags);
	error = errno;
	lm_sizemap_unlock();
	lm_session_exec_failed();
	errno = error;
	return result;
}
