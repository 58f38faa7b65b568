/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A path as it has to be typed in a shell. */
#ifndef LM_SHELL_QUOTE_H
#define LM_SHELL_QUOTE_H

#include <stdio.h>

/* No byte of PATH reaches a terminal as a control character. */
void shell_quote(FILE *to, const char *path);

#endif
