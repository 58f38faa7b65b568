/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* When a file was changed, whatever the libc calls that. */
#ifndef LM_STAT_H
#define LM_STAT_H

#include <stdint.h>
#include <sys/stat.h>

static inline int64_t lm_stat_seconds(const struct stat *file)
{
	return file->st_mtime;
}

/* Where POSIX's names are there, the older name is a macro. */
static inline uint32_t lm_stat_nanoseconds(const struct stat *file)
{
#ifdef st_mtime
	return (uint32_t)file->st_mtim.tv_nsec;
#else
	return (uint32_t)file->st_mtime_nsec;
#endif
}

#endif
