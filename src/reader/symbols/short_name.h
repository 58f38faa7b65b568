/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What templates and functions take is the longest part of a name in C++ and says the least. */
#ifndef LM_READER_SHORT_NAME_H
#define LM_READER_SHORT_NAME_H

/* Columns that a name may well take. */
enum { SHORT_NAME_ENOUGH = 40 };

/* Rewrites NAME without, if it takes more. */
void short_name(char *name);

#endif
