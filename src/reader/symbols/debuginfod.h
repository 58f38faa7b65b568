/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gets debug information from the servers that DEBUGINFOD_URLS names. The client
 * library needs many other libraries, so it is loaded only when it is used.
 */
#ifndef LM_READER_DEBUGINFOD_H
#define LM_READER_DEBUGINFOD_H

#include <stdbool.h>

/* Can servers be asked? */
bool debuginfod_works(void);

/* Opens the debug information of BUILD_ID (hexadecimal digits). Returns a descriptor or -errno. */
int debuginfod_open(const char *build_id);

#endif
