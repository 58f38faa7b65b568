/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shortens names of C++, Rust and D. Arguments of templates and functions are the longest part, and say the least. */
#ifndef LM_READER_SHORT_NAME_H
#define LM_READER_SHORT_NAME_H

/* Names of up to so many columns are kept. */
enum { SHORT_NAME_ENOUGH = 40 };

/* Removes the arguments from a NAME that takes more columns. */
void short_name(char *name);

#endif
