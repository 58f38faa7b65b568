/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See push_image.h. */
#include "push_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int note(const struct consumers *consumers, struct push_moment *moment)
{
	moment->allocated = calloc(consumers->count + 1, sizeof *moment->allocated);
	if (!moment->allocated)
		return -ENOMEM;
	moment->count = consumers->count;
	for (size_t i = 0; i < moment->count; i++)
		moment->allocated[i] = consumers->list[i].allocated;
	return 0;
}

static struct export_image exported(struct push_image *push, const struct trace_image *image)
{
	return (struct export_image){.image = image,
	                             .consumers = &push->consumers,
	                             .locations = &push->locations,
	                             .metric = METRIC_LEAKED,
	                             .before = push->before.allocated,
	                             .before_count = push->before.count};
}

static struct export_pprof *create(void)
{
	return export_pprof_create(METRIC_LEAKED, true);
}

static int add_and_write(struct export_pprof *pprof, const struct export_image *image, uint64_t from, uint64_t to,
                         FILE *out)
{
	int error = export_pprof_add(pprof, image);

	if (error)
		return error;
	export_pprof_set_time(pprof, from, to);
	return export_pprof_write(pprof, out);
}

static int write_profile(struct push_image *push, const struct trace_image *image, uint64_t to, FILE *out)
{
	const struct export_image export = exported(push, image);
	struct export_pprof *pprof = push->older ? push->older : create();
	int error = pprof ? export_pprof_keep(pprof) : -ENOMEM;

	if (!error) {
		error = add_and_write(pprof, &export, push->from, to, out);
		export_pprof_take_back(pprof);
	}
	if (!push->older)
		export_pprof_destroy(pprof);
	return error;
}

int push_image_profile(struct push_image *push, const struct trace_image *image, uint64_t to,
                       struct push_profile *profile)
{
	FILE *out;
	int error;

	*profile = (struct push_profile){.to = to};
	out = open_memstream(&profile->bytes, &profile->len);
	if (!out)
		return -errno;
	error = write_profile(push, image, to, out);
	if (fclose(out) != 0 && !error)
		error = -ENOMEM;
	if (!error)
		error = note(&push->consumers, &profile->now);
	if (error)
		push_profile_free(profile);
	return error;
}

int push_image_leave_file(struct push_image *push, const struct trace_image *image)
{
	struct export_image export = exported(push, image);

	export.goes_on = true;
	if (!push->older)
		push->older = create();
	return push->older ? export_pprof_add(push->older, &export) : -ENOMEM;
}

void push_image_forget_older(struct push_image *push)
{
	export_pprof_destroy(push->older);
	push->older = NULL;
}

void push_image_advance(struct push_image *push, struct push_profile *profile)
{
	free(push->before.allocated);
	push->before = profile->now;
	push->from = profile->to;
	push_image_forget_older(push);
	profile->now = (struct push_moment){.count = 0};
}

void push_profile_free(struct push_profile *profile)
{
	free(profile->bytes);
	free(profile->now.allocated);
	*profile = (struct push_profile){.len = 0};
}

void push_image_free(struct push_image *push)
{
	consumers_free(&push->consumers);
	free(push->before.allocated);
	push->before = (struct push_moment){.count = 0};
}
