/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export_html.h. The data goes into the page as base64, which can't be taken for markup. */
#include "export_html.h"
#include "array.h"
#include "page_data.h"
#include "page_template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct export_html {
	struct page_data *images;
	size_t count, room;
};

bool export_html_is_there(void)
{
	return page_template_size > 0;
}

struct export_html *export_html_create(void)
{
	return calloc(1, sizeof(struct export_html));
}

int export_html_add(struct export_html *html, const struct export_html_image *image)
{
	struct page_data *images = array_grow(html->images, &html->room, html->count + 1, sizeof *images);
	int error;

	if (!images)
		return -ENOMEM;
	html->images = images;
	error = page_data_pack(image, &images[html->count]);
	html->count += !error;
	return error;
}

static void write_base64(const unsigned char *bytes, size_t len, FILE *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
		                (left > 2 ? bytes[i + 2] : 0U);
		const char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
		                       left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '='};

		fwrite(group, 1, sizeof group, out);
	}
}

/* A script that no browser runs. */
static void write_part(const char *name, const struct page_part *part, FILE *out)
{
	fprintf(out, "<script type=\"application/octet-stream\" class=\"%s\">", name);
	write_base64(part->bytes, part->len, out);
	fputs("</script>\n", out);
}

int export_html_write(const struct export_html *html, FILE *out)
{
	const char *place = strstr(page_template, PAGE_TEMPLATE_DATA), *rest;

	if (!place)
		return -ENODATA;
	rest = place + strlen(PAGE_TEMPLATE_DATA);
	fwrite(page_template, 1, (size_t)(place - page_template), out);
	for (size_t i = 0; i < html->count; i++) {
		write_part("trace", &html->images[i].first, out);
		write_part("cells", &html->images[i].cells, out);
	}
	fwrite(rest, 1, page_template_size - (size_t)(rest - page_template), out);
	return ferror(out) ? -EIO : 0;
}

void export_html_destroy(struct export_html *html)
{
	if (!html)
		return;
	for (size_t i = 0; i < html->count; i++)
		page_data_free(&html->images[i]);
	free(html->images);
	free(html);
}
