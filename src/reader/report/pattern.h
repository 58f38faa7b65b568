/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The patterns of suppressions. */
#ifndef LM_READER_PATTERN_H
#define LM_READER_PATTERN_H

#include <stdbool.h>

/*
 * Does PATTERN match TEXT? '*' matches anything, '^' the beginning and '$' the end.
 * Without '^' and '$' it can match anywhere in TEXT.
 */
bool pattern_matches(const char *pattern, const char *text);

#endif
