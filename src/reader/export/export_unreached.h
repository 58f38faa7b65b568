/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes what somebody saw who looked into a process: lines for the end of its trace. */
#ifndef LM_READER_EXPORT_UNREACHED_H
#define LM_READER_EXPORT_UNREACHED_H

#include "unreached.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Writes UNREACHED, which has to be known, as REACHED-AT and UNREACHABLE lines. They belong behind the last whole
 * record of the process image. IS_PACKED: the trace's records are words, and the lines are filled up to whole ones.
 * 0 or -EIO.
 */
int unreached_write(FILE *out, const struct unreached *unreached, bool is_packed);

#endif
