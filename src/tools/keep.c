/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See keep.h. */
#include "keep.h"
#include "destination.h"
#include "diag.h"
#include "perf_map.h"

#include <stdint.h>
#include <string.h>

void keep_names(const struct destination *file, pid_t pid, const struct timespec *since, const struct diag *diag)
{
	struct perf_process process = {.pid = (uint64_t)pid, .path = file->path, .trace = file->fd, .finished = true};
	struct timespec now;
	int error;

	if (!destination_is_regular(file) || file->fd < 0)
		return;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec >= since->tv_sec)
		process.time = (uint64_t)(now.tv_sec - since->tv_sec + 1) * 1000;
	error = perf_map_keep(&process, diag);
	if (error)
		diag_report(diag, file->path, 0, "the names of code that was made at run time are not beside it: %s",
		            strerror(-error));
}
