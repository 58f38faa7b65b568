/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Has code unwind tables? A backtrace that ends at code without them could not go on.
 * Only what is loaded with a program counts (.eh_frame, and .ARM.exidx on 32-bit ARM),
 * as the tracker sees nothing else.
 */
#ifndef LM_READER_TABLES_H
#define LM_READER_TABLES_H

#include "object.h"

#include <stdbool.h>
#include <stdint.h>

/* Is it certain that the code at ADDRESS of the file has none? Not if the file at hand is debug information alone. */
bool tables_lack(const struct object *object, uint64_t address);

/* Does the program begin at ADDRESS? That code has no caller, and need not have tables. */
bool tables_is_start(const struct object *object, uint64_t address);

#endif
