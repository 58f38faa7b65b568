/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What log-malloc says at the end of the other files of a trace: older ones, and those that are kept for moments. */
#ifndef LM_OTHER_FILES_H
#define LM_OTHER_FILES_H

#include "kept.h"

/* PATH as messages have it, behind a blank, to standard error. */
void other_files_print_path(const char *path);

/* How many older files of the trace PATH, on which FD is open, the trace's process has written, and has not compressed.
 */
unsigned other_files_count_older(int fd, const char *path);

/* " (older: t.old-1 to t.old-3)", if there are COUNT of them. */
void other_files_print_older(const char *path, unsigned count);

/* " (moments: t.at-peak)", if files are kept of the trace PATH that are not among those BEFORE. */
void other_files_print_kept(const char *path, const struct kept *before);

/* Sets OTHERS to the files that are kept of the trace PATH and that are not of the process of PATH's trace. */
void other_files_of_others(const char *path, struct kept *others);

#endif
