/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See lacks.h. */
#include "lacks.h"

void lacks_add(struct lacks *lacks, const struct trace_image *image)
{
	const struct flavour_lack *lack = flavour_lack(image);
	size_t i = 0;

	while (i < lacks->count && lacks->list[i] != lack)
		i++;
	if (lack && i == lacks->count)
		lacks->list[lacks->count++] = lack;
}

void lacks_print(const struct lacks *lacks, const char *front, FILE *out)
{
	for (size_t i = 0; i < lacks->count; i++)
		fprintf(out, "%sNOT SEEN: %s.\nTo see them, %s.\n", front, lacks->list[i]->unseen,
		        lacks->list[i]->advice);
}

void lacks_print_brief(const struct lacks *lacks, FILE *out)
{
	for (size_t i = 0; i < lacks->count; i++)
		fprintf(out, "; %s", lacks->list[i]->brief);
}
