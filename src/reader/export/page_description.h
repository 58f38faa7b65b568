/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a page is told of a process image in JSON: everything but the columns of numbers. */
#ifndef LM_READER_PAGE_DESCRIPTION_H
#define LM_READER_PAGE_DESCRIPTION_H

#include "amount.h"
#include "export_html.h"
#include "json.h"

/*
 * An object; NULL if there is no memory. STRINGS are those that the columns refer to. STATES has the sum of the blocks
 * for each enum reach, where somebody looked what is reachable.
 */
json_t *page_description(const struct export_html_image *given, json_t *strings, const struct amount *states);

#endif
