/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data of one process image, as a page has it. */
#ifndef LM_READER_PAGE_DATA_H
#define LM_READER_PAGE_DATA_H

#include "export_html.h"

#include <stddef.h>

/* Compressed as raw deflate. */
struct page_part {
	unsigned char *bytes;
	size_t len;
};

struct page_data {
	struct page_part first; /* what the page opens with */
	struct page_part cells; /* who did what when */
};

/* Packs IMAGE, of which nothing is needed after that. 0 or -ENOMEM. */
int page_data_pack(const struct export_html_image *image, struct page_data *data);

void page_data_free(struct page_data *data);

#endif
