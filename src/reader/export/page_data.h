/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data of one process image, as a page has it. */
#ifndef LM_READER_PAGE_DATA_H
#define LM_READER_PAGE_DATA_H

#include "export_html.h"

#include <stddef.h>

/* Compressed as raw deflate; to be freed. */
struct page_data {
	unsigned char *bytes;
	size_t len;
};

/* Packs IMAGE, of which nothing is needed after that. 0 or -ENOMEM. */
int page_data_pack(const struct export_html_image *image, struct page_data *data);

#endif
