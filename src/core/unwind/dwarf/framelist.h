/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Objects that the linker made no .eh_frame_hdr for, or none with a table: static
 * programs of some machines. Their .eh_frame is found by the section headers of their
 * file, and is read once.
 */
#ifndef LM_UNWIND_DWARF_FRAMELIST_H
#define LM_UNWIND_DWARF_FRAMELIST_H

#include "module.h"

/* Makes the list of MODULE if it needs one and has none. 1: it has one now, which it did not have. */
int lm_framelist_make(struct lm_module *module) LM_INTERNAL;

#endif
