/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export.h. What a profile of pprof has of an image: samples with their values, labels and locations. */
#include "array.h"
#include "export.h"
#include "labels.h"
#include "pprof_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each sample has the numbers of blocks and bytes for these metrics. */
static const struct {
	enum metric metric;
	const char *blocks, *bytes;
} types[] = {
	{METRIC_ALLOCATED, "alloc_objects", "alloc_space"},
	{METRIC_LEAKED, "inuse_objects", "inuse_space"},
	{METRIC_PEAK, "peak_objects", "peak_space"},
	{METRIC_TEMPORARY, "temporary_objects", "temporary_space"},
};

enum {
	TYPES = sizeof types / sizeof *types,
	/* The first ones are what profiles of other allocators have, and what stores of profiles know. */
	TYPES_COMMON = 2,
};

struct export_pprof {
	struct pprof_message message;
	enum metric metric;
	bool is_common;           /* only the common types */
	size_t types;             /* how many there are; 0: no image came yet */
	struct pprof_line *lines; /* room for a location's */
	size_t lines_room;
	uint64_t *path; /* room for the locations of a sample */
	size_t path_room;
	int64_t *kept; /* the values of the first samples, see export_pprof_keep() */
	size_t kept_samples;
};

/* ---- images --------------------------------------------------------------- */

/* The ids in the message of the parts of one image. */
struct image_ids {
	uint64_t *locations; /* by frame number; 0 if there is none yet */
	uint64_t *mappings;  /* by their index in the image's maps */
	uint64_t none;       /* the location of blocks without a backtrace */
};

/* Profiles have the address of the call, and not the return address. */
static uint64_t call_address(const struct location *location)
{
	return location->address ? location->address - 1 : 0;
}

/* Viewers assume that the first mapping is the program. */
static void add_program(struct export_pprof *pprof, const struct trace_image *image, struct image_ids *ids)
{
	const struct mapping *mapping = image->exe ? maps_find_path(&image->maps, image->exe) : NULL;

	if (mapping)
		ids->mappings[mapping - image->maps.mappings] = pprof_message_mapping(&pprof->message, mapping);
}

static uint64_t find_mapping(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                             const struct location *location)
{
	const struct maps *maps = &image->image->maps;
	const struct mapping *mapping = maps_find(maps, call_address(location), location->module);
	uint64_t *id;

	if (!location->has_address || !mapping)
		return 0;
	id = &ids->mappings[mapping - maps->mappings];
	if (!*id)
		*id = pprof_message_mapping(&pprof->message, mapping);
	return *id;
}

static uint64_t make_location(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                              const struct location *location)
{
	const size_t count = location->places.count;
	struct pprof_line *lines = array_grow(pprof->lines, &pprof->lines_room, count + 1, sizeof *lines);

	if (!lines)
		return 0;
	pprof->lines = lines;
	for (size_t i = 0; i < count; i++) {
		const struct symbols_place *place = &location->places.places[i];
		char *name = location_name(location, place);

		lines[i] = (struct pprof_line){
			.function = name ? pprof_message_function(&pprof->message, name, place->file) : 0,
			.number = place->line > 0 ? place->line : 0};
		free(name);
		if (!lines[i].function)
			return 0;
	}
	return pprof_message_location(&pprof->message, find_mapping(pprof, image, ids, location),
	                              call_address(location), lines, count);
}

static uint64_t find_location(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                              uint32_t frame)
{
	uint64_t *id = &ids->locations[frame];

	if (!*id) {
		const struct location *location = locations_get(image->locations, frame);

		*id = location ? make_location(pprof, image, ids, location) : 0;
		pprof->message.failed |= !*id;
	}
	return *id;
}

static uint64_t no_location(struct export_pprof *pprof, struct image_ids *ids)
{
	struct pprof_line line;

	if (ids->none)
		return ids->none;
	line = (struct pprof_line){.function = pprof_message_function(&pprof->message, LABELS_NONE, NULL)};
	ids->none = pprof_message_location(&pprof->message, 0, 0, &line, 1);
	return ids->none;
}

static struct pprof_label text_label(struct export_pprof *pprof, const char *key, const char *text)
{
	return (struct pprof_label){.key = pprof_message_string(&pprof->message, key),
	                            .text = pprof_message_string(&pprof->message, text)};
}

static struct pprof_label number_label(struct export_pprof *pprof, const char *key, uint64_t number)
{
	return (struct pprof_label){.key = pprof_message_string(&pprof->message, key), .number = (int64_t)number};
}

enum { LABELS_MAX = 4 };

/* Of the process, since there can be several images; and of the thread, if the sample is one's. Returns their number.
 */
static size_t find_labels(struct export_pprof *pprof, const struct export_image *export,
                          const struct consumer *consumer, struct pprof_label labels[LABELS_MAX])
{
	const struct trace_image *image = export->image;
	char room[THREADS_NAME];
	size_t count = 0;

	if (image->exe)
		labels[count++] = text_label(pprof, "program", image->exe);
	if (image->has_pid)
		labels[count++] = number_label(pprof, "pid", image->pid);
	if (!export->consumers->by_thread)
		return count;
	labels[count++] = text_label(pprof, "thread", threads_label(&image->threads, consumer->thread, room));
	if (threads_get(&image->threads, consumer->thread)->tid)
		labels[count++] = number_label(pprof, "tid", threads_get(&image->threads, consumer->thread)->tid);
	return count;
}

/* Larger numbers are only in damaged traces. */
static int64_t value_of(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* Leaves what an earlier profile had. */
static void take_off(struct amount *amount, const struct export_image *image, const struct consumer *consumer)
{
	size_t place = (size_t)(consumer - image->consumers->list);

	if (place < image->before_count)
		amount_remove(amount, &image->before[place]);
}

static void add_value(int64_t *value, uint64_t more)
{
	if (__builtin_add_overflow(*value, value_of(more), value))
		*value = INT64_MAX;
}

static void add_values(struct export_pprof *pprof, const struct export_image *image, const struct consumer *consumer,
                       Pprof__Sample *sample)
{
	for (size_t i = 0; i < pprof->types; i++) {
		struct amount amount = consumer_amount(image->consumers, consumer, types[i].metric);

		if (types[i].metric == METRIC_ALLOCATED)
			take_off(&amount, image, consumer);
		else if (image->goes_on)
			continue;
		add_value(&sample->value[2 * i], amount.count);
		add_value(&sample->value[2 * i + 1], amount.bytes);
	}
}

static void add_sample(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                       const struct consumer *consumer)
{
	const struct stack stack = stacks_get(&image->image->stacks, consumer->stack);
	const size_t depth = stack.depth ? stack.depth : 1;
	uint64_t *path = array_grow(pprof->path, &pprof->path_room, depth, sizeof *path);
	struct pprof_label labels[LABELS_MAX];
	struct pprof_sample_key key = {.depth = depth, .labels = labels};
	Pprof__Sample *sample;

	pprof->message.failed |= !path;
	if (!path)
		return;
	key.locations = pprof->path = path;
	for (size_t i = 0; i < depth; i++)
		path[i] = stack.depth ? find_location(pprof, image, ids, stack.frames[i]) : no_location(pprof, ids);
	key.label_count = find_labels(pprof, image, consumer, labels);
	sample = pprof->message.failed ? NULL : pprof_message_sample(&pprof->message, &key, 2 * pprof->types);
	if (sample)
		add_values(pprof, image, consumer, sample);
}

/* Images in a trace follow one another, so the durations add up. */
static void add_duration(Pprof__Profile *profile, uint64_t ms)
{
	const int64_t ns = 1000000;
	uint64_t most = (uint64_t)((INT64_MAX - profile->duration_nanos) / ns);

	profile->duration_nanos += (int64_t)(ms < most ? ms : most) * ns;
}

/* Viewers show that of METRIC first; of one that the profile does not have, what is in use. */
static bool is_first(const struct export_pprof *pprof, enum metric metric)
{
	enum metric wanted = pprof->metric == METRIC_CALLS ? METRIC_ALLOCATED : pprof->metric;

	for (size_t i = 0; i < pprof->types; i++)
		if (types[i].metric == wanted)
			return metric == wanted;
	return metric == METRIC_LEAKED;
}

static void add_types(struct export_pprof *pprof)
{
	Pprof__Profile *profile = &pprof->message.profile;
	bool blocks = metric_counts_blocks(pprof->metric);

	profile->sample_type = pprof_message_allocate(&pprof->message, 2 * pprof->types * sizeof(Pprof__ValueType *));
	for (size_t i = 0; profile->sample_type && i < pprof->types; i++) {
		profile->sample_type[profile->n_sample_type++] =
			pprof_message_type(&pprof->message, types[i].blocks, "count");
		profile->sample_type[profile->n_sample_type++] =
			pprof_message_type(&pprof->message, types[i].bytes, "bytes");
		if (is_first(pprof, types[i].metric))
			profile->default_sample_type =
				pprof_message_string(&pprof->message, blocks ? types[i].blocks : types[i].bytes);
	}
}

/* The first image tells what values there are: of a sampled one, only the common ones are known. */
static void begin(struct export_pprof *pprof, uint64_t mean)
{
	if (!pprof->types) {
		pprof->types = mean || pprof->is_common ? TYPES_COMMON : TYPES;
		add_types(pprof);
	}
	if (!mean || pprof->message.profile.period)
		return;
	pprof->message.profile.period_type = pprof_message_type(&pprof->message, "space", "bytes");
	pprof->message.profile.period = value_of(mean);
}

int export_pprof_add(struct export_pprof *pprof, const struct export_image *image)
{
	struct image_ids ids = {
		.locations = calloc(image->image->stacks.frame_count + 1, sizeof *ids.locations),
		.mappings = calloc(image->image->maps.count + 1, sizeof *ids.mappings),
	};
	struct ranking ranking = {0};

	begin(pprof, image->image->sample);
	if (!ids.locations || !ids.mappings || ranking_build_all(&ranking, image->consumers, METRIC_ALLOCATED) != 0)
		pprof->message.failed = true;
	if (!pprof->message.failed)
		add_program(pprof, image->image, &ids);
	for (size_t i = 0; !pprof->message.failed && i < ranking.count; i++)
		add_sample(pprof, image, &ids, ranking.list[i]);
	add_duration(&pprof->message.profile, image->time);
	ranking_free(&ranking);
	free(ids.locations);
	free(ids.mappings);
	return pprof->message.failed ? -ENOMEM : 0;
}

/* ---- the whole ------------------------------------------------------------ */

struct export_pprof *export_pprof_create(enum metric metric, bool is_common)
{
	struct export_pprof *pprof = calloc(1, sizeof *pprof);

	if (!pprof)
		return NULL;
	pprof_message_begin(&pprof->message);
	pprof->metric = metric;
	pprof->is_common = is_common;
	if (!pprof->message.failed)
		return pprof;
	export_pprof_destroy(pprof);
	return NULL;
}

void export_pprof_set_time(struct export_pprof *pprof, uint64_t from_ms, uint64_t to_ms)
{
	const int64_t ns = 1000000;

	pprof->message.profile.time_nanos = (int64_t)from_ms * ns;
	pprof->message.profile.duration_nanos = to_ms > from_ms ? (int64_t)(to_ms - from_ms) * ns : 0;
}

void export_pprof_destroy(struct export_pprof *pprof)
{
	if (!pprof)
		return;
	pprof_message_free(&pprof->message);
	free(pprof->lines);
	free(pprof->path);
	free(pprof->kept);
	free(pprof);
}

int export_pprof_keep(struct export_pprof *pprof)
{
	const Pprof__Profile *profile = &pprof->message.profile;
	const size_t values = 2 * pprof->types;
	int64_t *kept = calloc(profile->n_sample * values + 1, sizeof *kept);

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < profile->n_sample; i++)
		memcpy(kept + i * values, profile->sample[i]->value, values * sizeof *kept);
	free(pprof->kept);
	pprof->kept = kept;
	pprof->kept_samples = profile->n_sample;
	return 0;
}

void export_pprof_take_back(struct export_pprof *pprof)
{
	const Pprof__Profile *profile = &pprof->message.profile;
	const size_t values = 2 * pprof->types;

	for (size_t i = 0; i < profile->n_sample; i++) {
		if (i < pprof->kept_samples)
			memcpy(profile->sample[i]->value, pprof->kept + i * values, values * sizeof(int64_t));
		else
			memset(profile->sample[i]->value, 0, values * sizeof(int64_t));
	}
}

int export_pprof_write(const struct export_pprof *pprof, FILE *out)
{
	return pprof_message_write(&pprof->message, out);
}
