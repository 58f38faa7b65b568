/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See export.h. Builds the messages of profile.proto with protobuf-c, and compresses them with zlib. */
#include "array.h"
#include "export.h"
#include "hash.h"
#include "json.h"
#include "labels.h"

#include "profile.pb-c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

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

/* The parts of the message are in the pool. Arrays that grow belong to the message. */
struct export_pprof {
	Pprof__Profile profile;
	enum metric metric;
	bool is_common; /* only the common types */
	size_t types;   /* how many there are; 0: no image came yet */
	size_t sample_room, mapping_room, location_room, function_room, string_room;
	struct hash_table strings;
	struct hash_table functions;
	struct pool pool;
	bool failed; /* there was no memory */
};

/* ---- parts ---------------------------------------------------------------- */

/* Makes room for one more in an array of pointers of the message. False if there is no memory. */
#define GROW(pprof, items, room)                                                                                       \
	({                                                                                                             \
		Pprof__Profile *whole = &(pprof)->profile;                                                             \
		void *grown = array_grow(whole->items, &(pprof)->room, whole->n_##items + 1, sizeof(void *));          \
		if (grown)                                                                                             \
			whole->items = grown;                                                                          \
		(pprof)->failed |= !grown;                                                                             \
		grown != NULL;                                                                                         \
	})

static void *allocate(struct export_pprof *pprof, size_t size)
{
	void *part = pool_alloc(&pprof->pool, size);

	pprof->failed |= !part;
	return part;
}

static bool same_string(const void *owner, uint32_t place, const void *key)
{
	return strcmp(((const struct export_pprof *)owner)->profile.string_table[place], key) == 0;
}

/* The index in the string table of TEXT, which is UTF-8. Index 0 is the empty string. */
static int64_t add_utf8(struct export_pprof *pprof, const char *text)
{
	size_t len = strlen(text);
	uint64_t hash = hash_bytes(text, len);
	uint32_t place = hash_find(&pprof->strings, hash, same_string, pprof, text);
	char *copy;

	if (place != HASH_NONE)
		return place;
	copy = pool_copy(&pprof->pool, text, len);
	place = (uint32_t)pprof->profile.n_string_table;
	if (!copy || !GROW(pprof, string_table, string_room) || hash_add(&pprof->strings, hash, place) != 0) {
		pprof->failed = true;
		return 0;
	}
	pprof->profile.string_table[pprof->profile.n_string_table++] = copy;
	return place;
}

/* File names can have any bytes, but strings of messages have to be UTF-8. JSON has the same rule and cure. */
static int64_t add_string(struct export_pprof *pprof, const char *text)
{
	json_t *name = json_name(text, text ? strlen(text) : 0);
	int64_t place = 0;

	pprof->failed |= !name;
	if (json_is_string(name))
		place = add_utf8(pprof, json_string_value(name));
	json_decref(name);
	return place;
}

struct function_key {
	int64_t name, file;
};

static bool same_function(const void *owner, uint32_t place, const void *key)
{
	const Pprof__Function *function = ((const struct export_pprof *)owner)->profile.function[place];
	const struct function_key *wanted = key;

	return function->name == wanted->name && function->filename == wanted->file;
}

/* The id of the function. 0 if there is no memory. */
static uint64_t add_function(struct export_pprof *pprof, const char *name, const char *file)
{
	struct function_key key = {add_string(pprof, name), add_string(pprof, file)};
	uint64_t hash = hash_mix((uint64_t)key.name ^ hash_mix((uint64_t)key.file));
	uint32_t place = hash_find(&pprof->functions, hash, same_function, pprof, &key);
	Pprof__Function *function;

	if (place != HASH_NONE)
		return pprof->profile.function[place]->id;
	function = allocate(pprof, sizeof *function);
	place = (uint32_t)pprof->profile.n_function;
	if (!function || !GROW(pprof, function, function_room) || hash_add(&pprof->functions, hash, place) != 0) {
		pprof->failed = true;
		return 0;
	}
	pprof__function__init(function);
	function->id = (uint64_t)place + 1;
	function->name = function->system_name = key.name;
	function->filename = key.file;
	pprof->profile.function[pprof->profile.n_function++] = function;
	return function->id;
}

static uint64_t add_mapping(struct export_pprof *pprof, const struct mapping *mapping)
{
	Pprof__Mapping *part = allocate(pprof, sizeof *part);

	if (!part || !GROW(pprof, mapping, mapping_room))
		return 0;
	pprof__mapping__init(part);
	part->id = pprof->profile.n_mapping + 1;
	part->memory_start = mapping->from;
	part->memory_limit = mapping->to;
	part->file_offset = mapping->offset;
	part->filename = add_string(pprof, mapping->path);
	part->build_id = add_string(pprof, mapping->build_id);
	/* Everything was looked up, so pprof does not have to look at the files. */
	part->has_functions = part->has_filenames = part->has_line_numbers = part->has_inline_frames = true;
	pprof->profile.mapping[pprof->profile.n_mapping++] = part;
	return part->id;
}

static Pprof__Line *make_line(struct export_pprof *pprof, const char *function, const char *file, int number)
{
	Pprof__Line *line = allocate(pprof, sizeof *line);

	if (!line)
		return NULL;
	pprof__line__init(line);
	line->function_id = add_function(pprof, function, file);
	line->line = number > 0 ? number : 0;
	return line;
}

/* A new location with room for COUNT lines. NULL if there is no memory. */
static Pprof__Location *add_location(struct export_pprof *pprof, size_t count)
{
	Pprof__Location *location = allocate(pprof, sizeof *location);
	Pprof__Line **lines = allocate(pprof, count * sizeof(Pprof__Line *));

	if (!location || !lines || !GROW(pprof, location, location_room))
		return NULL;
	pprof__location__init(location);
	location->id = pprof->profile.n_location + 1;
	location->line = lines;
	pprof->profile.location[pprof->profile.n_location++] = location;
	return location;
}

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
		ids->mappings[mapping - image->maps.mappings] = add_mapping(pprof, mapping);
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
		*id = add_mapping(pprof, mapping);
	return *id;
}

static uint64_t make_location(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                              const struct location *location)
{
	Pprof__Location *part = add_location(pprof, location->places.count);

	if (!part)
		return 0;
	part->mapping_id = find_mapping(pprof, image, ids, location);
	part->address = call_address(location);
	for (size_t i = 0; i < location->places.count; i++) {
		const struct symbols_place *place = &location->places.places[i];
		char *name = location_name(location, place);
		Pprof__Line *line = name ? make_line(pprof, name, place->file, place->line) : NULL;

		free(name);
		if (!line)
			return 0;
		part->line[part->n_line++] = line;
	}
	return part->id;
}

static uint64_t find_location(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                              uint32_t frame)
{
	uint64_t *id = &ids->locations[frame];

	if (!*id) {
		const struct location *location = locations_get(image->locations, frame);

		*id = location ? make_location(pprof, image, ids, location) : 0;
		pprof->failed |= !*id;
	}
	return *id;
}

static uint64_t no_location(struct export_pprof *pprof, struct image_ids *ids)
{
	Pprof__Location *part;

	if (ids->none || !(part = add_location(pprof, 1)))
		return ids->none;
	part->line[0] = make_line(pprof, LABELS_NONE, NULL, 0);
	part->n_line = part->line[0] ? 1 : 0;
	ids->none = part->id;
	return ids->none;
}

static Pprof__Label *make_label(struct export_pprof *pprof, const char *key, const char *text, uint64_t number)
{
	Pprof__Label *label = allocate(pprof, sizeof *label);

	if (!label)
		return NULL;
	pprof__label__init(label);
	label->key = add_string(pprof, key);
	label->str = add_string(pprof, text);
	label->num = (int64_t)number;
	return label;
}

static void add_thread_labels(struct export_pprof *pprof, const struct threads *threads, uint32_t place,
                              Pprof__Sample *sample)
{
	char room[THREADS_NAME];

	sample->label[sample->n_label++] = make_label(pprof, "thread", threads_label(threads, place, room), 0);
	if (threads_get(threads, place)->tid)
		sample->label[sample->n_label++] = make_label(pprof, "tid", NULL, threads_get(threads, place)->tid);
}

/* Labels the sample with its process, since there can be several images; and with its thread, if that is one. */
static void add_labels(struct export_pprof *pprof, const struct export_image *export, const struct consumer *consumer,
                       Pprof__Sample *sample)
{
	const struct trace_image *image = export->image;

	sample->label = allocate(pprof, 4 * sizeof(Pprof__Label *));
	if (!sample->label)
		return;
	if (image->exe)
		sample->label[sample->n_label++] = make_label(pprof, "program", image->exe, 0);
	if (image->has_pid)
		sample->label[sample->n_label++] = make_label(pprof, "pid", NULL, image->pid);
	if (export->consumers->by_thread)
		add_thread_labels(pprof, &image->threads, consumer->thread, sample);
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

static void add_values(struct export_pprof *pprof, const struct export_image *image, const struct consumer *consumer,
                       Pprof__Sample *sample)
{
	const struct consumers *consumers = image->consumers;

	sample->value = allocate(pprof, 2 * pprof->types * sizeof *sample->value);
	for (size_t i = 0; sample->value && i < pprof->types; i++) {
		struct amount amount = consumer_amount(consumers, consumer, types[i].metric);

		if (types[i].metric == METRIC_ALLOCATED)
			take_off(&amount, image, consumer);
		sample->value[sample->n_value++] = value_of(amount.count);
		sample->value[sample->n_value++] = value_of(amount.bytes);
	}
}

static void add_sample(struct export_pprof *pprof, const struct export_image *image, struct image_ids *ids,
                       const struct consumer *consumer)
{
	struct stack stack = stacks_get(&image->image->stacks, consumer->stack);
	size_t depth = stack.depth ? stack.depth : 1;
	Pprof__Sample *sample = allocate(pprof, sizeof *sample);

	if (!sample || !GROW(pprof, sample, sample_room))
		return;
	pprof__sample__init(sample);
	sample->location_id = allocate(pprof, depth * sizeof *sample->location_id);
	if (!sample->location_id)
		return;
	while (sample->n_location_id < depth) {
		uint64_t id = stack.depth ? find_location(pprof, image, ids, stack.frames[sample->n_location_id])
		                          : no_location(pprof, ids);

		sample->location_id[sample->n_location_id++] = id;
	}
	add_values(pprof, image, consumer, sample);
	add_labels(pprof, image, consumer, sample);
	pprof->profile.sample[pprof->profile.n_sample++] = sample;
}

/* Images in a trace follow one another, so the durations add up. */
static void add_duration(Pprof__Profile *profile, uint64_t ms)
{
	const int64_t ns = 1000000;
	uint64_t most = (uint64_t)((INT64_MAX - profile->duration_nanos) / ns);

	profile->duration_nanos += (int64_t)(ms < most ? ms : most) * ns;
}

static Pprof__ValueType *make_type(struct export_pprof *pprof, const char *name, const char *unit)
{
	Pprof__ValueType *type = allocate(pprof, sizeof *type);

	if (!type)
		return NULL;
	pprof__value_type__init(type);
	type->type = add_string(pprof, name);
	type->unit = add_string(pprof, unit);
	return type;
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
	Pprof__Profile *profile = &pprof->profile;
	bool blocks = metric_counts_blocks(pprof->metric);

	profile->sample_type = allocate(pprof, 2 * pprof->types * sizeof(Pprof__ValueType *));
	for (size_t i = 0; profile->sample_type && i < pprof->types; i++) {
		profile->sample_type[profile->n_sample_type++] = make_type(pprof, types[i].blocks, "count");
		profile->sample_type[profile->n_sample_type++] = make_type(pprof, types[i].bytes, "bytes");
		if (is_first(pprof, types[i].metric))
			profile->default_sample_type = add_string(pprof, blocks ? types[i].blocks : types[i].bytes);
	}
}

/* The first image tells what values there are: of a sampled one, only the common ones are known. */
static void begin(struct export_pprof *pprof, uint64_t mean)
{
	if (!pprof->types) {
		pprof->types = mean || pprof->is_common ? TYPES_COMMON : TYPES;
		add_types(pprof);
	}
	if (!mean || pprof->profile.period)
		return;
	pprof->profile.period_type = make_type(pprof, "space", "bytes");
	pprof->profile.period = value_of(mean);
}

int export_pprof_add(struct export_pprof *pprof, const struct export_image *image)
{
	struct image_ids ids = {
		.locations = calloc(image->image->stacks.frame_count + 1, sizeof *ids.locations),
		.mappings = calloc(image->image->maps.count + 1, sizeof *ids.mappings),
	};
	struct ranking ranking = {0};

	begin(pprof, image->image->sample);
	if (!ids.locations || !ids.mappings || ranking_build(&ranking, image->consumers, METRIC_ALLOCATED) != 0)
		pprof->failed = true;
	if (!pprof->failed)
		add_program(pprof, image->image, &ids);
	for (size_t i = 0; !pprof->failed && i < ranking.count; i++)
		add_sample(pprof, image, &ids, ranking.list[i]);
	add_duration(&pprof->profile, image->time);
	ranking_free(&ranking);
	free(ids.locations);
	free(ids.mappings);
	return pprof->failed ? -ENOMEM : 0;
}

/* ---- the whole ------------------------------------------------------------ */

struct export_pprof *export_pprof_create(enum metric metric, bool is_common)
{
	struct export_pprof *pprof = calloc(1, sizeof *pprof);

	if (!pprof)
		return NULL;
	pprof__profile__init(&pprof->profile);
	/* The first string has to be the empty one. */
	add_string(pprof, "");
	pprof->metric = metric;
	pprof->is_common = is_common;
	if (!pprof->failed)
		return pprof;
	export_pprof_destroy(pprof);
	return NULL;
}

void export_pprof_set_time(struct export_pprof *pprof, uint64_t from_ms, uint64_t to_ms)
{
	const int64_t ns = 1000000;

	pprof->profile.time_nanos = (int64_t)from_ms * ns;
	pprof->profile.duration_nanos = to_ms > from_ms ? (int64_t)(to_ms - from_ms) * ns : 0;
}

void export_pprof_destroy(struct export_pprof *pprof)
{
	if (!pprof)
		return;
	free(pprof->profile.sample);
	free(pprof->profile.mapping);
	free(pprof->profile.location);
	free(pprof->profile.function);
	free(pprof->profile.string_table);
	hash_free(&pprof->strings);
	hash_free(&pprof->functions);
	pool_free(&pprof->pool);
	free(pprof);
}

/* The buffer that protobuf-c writes to. */
struct compressor {
	ProtobufCBuffer base;
	z_stream stream;
	FILE *out;
	int error;
	unsigned char buffer[1 << 14];
};

static void compress_bytes(struct compressor *compressor, const uint8_t *bytes, size_t len, int flush)
{
	z_stream *stream = &compressor->stream;
	size_t done;

	stream->next_in = (z_const Bytef *)bytes;
	stream->avail_in = (uInt)len;
	do {
		stream->next_out = compressor->buffer;
		stream->avail_out = sizeof compressor->buffer;
		if (deflate(stream, flush) == Z_STREAM_ERROR)
			compressor->error = -EIO;
		done = sizeof compressor->buffer - stream->avail_out;
		if (!compressor->error && fwrite(compressor->buffer, 1, done, compressor->out) != done)
			compressor->error = -EIO;
	} while (!compressor->error && stream->avail_out == 0);
}

static void append(ProtobufCBuffer *buffer, size_t len, const uint8_t *bytes)
{
	struct compressor *compressor = (struct compressor *)buffer;

	while (len && !compressor->error) {
		size_t piece = len < UINT32_MAX / 2 ? len : UINT32_MAX / 2;

		compress_bytes(compressor, bytes, piece, Z_NO_FLUSH);
		bytes += piece;
		len -= piece;
	}
}

int export_pprof_write(const struct export_pprof *pprof, FILE *out)
{
	struct compressor compressor = {.base.append = append, .out = out};
	/* In zlib's interface, 16 on top of the window size means the format of gzip. */
	const int window = 15, gzip = 16;

	if (deflateInit2(&compressor.stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window + gzip, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	pprof__profile__pack_to_buffer(&pprof->profile, &compressor.base);
	if (!compressor.error)
		compress_bytes(&compressor, NULL, 0, Z_FINISH);
	deflateEnd(&compressor.stream);
	return compressor.error;
}
