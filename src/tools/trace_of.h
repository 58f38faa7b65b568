/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which trace a process writes to. */
#ifndef LM_TRACE_OF_H
#define LM_TRACE_OF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Finds the trace of process PID. False after a message; the other one says nothing. */
bool trace_of_look(char trace[PATH_MAX], uint64_t pid);
bool trace_of_find(char trace[PATH_MAX], uint64_t pid);

#endif
