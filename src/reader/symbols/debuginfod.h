/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Debug information from the servers that DEBUGINFOD_URLS names. The client
 * library brings many others with it, so it is loaded when somebody asks.
 */
#ifndef LM_READER_DEBUGINFOD_H
#define LM_READER_DEBUGINFOD_H

#include <stdbool.h>

/* Can servers be asked at all? */
bool debuginfod_works(void);

/* The debug information of BUILD_ID (hexadecimal digits). A descriptor, or -errno. */
int debuginfod_open(const char *build_id);

#endif
