/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the trace of a running process is. */
#ifndef LM_TRACED_PROCESS_H
#define LM_TRACED_PROCESS_H
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
bool traced_process_find(uint64_t pid, char trace[PATH_MAX]);
#endif
