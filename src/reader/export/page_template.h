/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page without data, which is made of src/page when log-malloc2 is built. A build without it has no bytes here. */
#ifndef LM_READER_PAGE_TEMPLATE_H
#define LM_READER_PAGE_TEMPLATE_H

#include <stddef.h>

/* The data's place in the page is where this stands. */
#define PAGE_TEMPLATE_DATA "<!--data-->"

extern const char page_template[]; /* with a NUL behind it, which does not count */
extern const size_t page_template_size;

#endif
