/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program in C++ with inlined functions, and whether log-malloc-findleak finds them. */
#ifndef LM_TESTS_INLINED_H
#define LM_TESTS_INLINED_H

#include <stdbool.h>

/* Compiles ./inlined of inlined.cc and traces it into ./t: with the preload library, or linked with the archive. */
void trace_inlined(const char *compiler, const char *flags, bool archive);

/* Are the functions, files and lines of its leak found? They are left in ./frames, and the report in ./json. Needs jq.
 */
bool has_frames(const char *options);

/* The same with ENVIRONMENT, "NAME=VALUE ...". */
bool has_frames_with(const char *environment, const char *options);

#endif
