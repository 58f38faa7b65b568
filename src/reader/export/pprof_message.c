/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See pprof_message.h. Builds the messages of profile.proto with protobuf-c, and compresses them with zlib. */
#include "pprof_message.h"
#include "array.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Makes room for one more in an array of pointers of the message. False if there is no memory. */
#define GROW(message, items, room)                                                                                     \
	({                                                                                                             \
		Pprof__Profile *whole = &(message)->profile;                                                           \
		void *grown = array_grow(whole->items, &(message)->room, whole->n_##items + 1, sizeof(void *));        \
		if (grown)                                                                                             \
			whole->items = grown;                                                                          \
		(message)->failed |= !grown;                                                                           \
		grown != NULL;                                                                                         \
	})

void *pprof_message_allocate(struct pprof_message *m, size_t size)
{
	void *part = pool_alloc(&m->pool, size);

	m->failed |= !part;
	return part;
}

static bool same_string(const void *owner, uint32_t place, const void *key)
{
	return strcmp(((const struct pprof_message *)owner)->profile.string_table[place], key) == 0;
}

/* The index in the string table of TEXT, which is UTF-8. Index 0 is the empty string. */
static int64_t add_utf8(struct pprof_message *m, const char *text)
{
	size_t len = strlen(text);
	uint64_t hash = hash_bytes(text, len);
	uint32_t place = hash_find(&m->strings, hash, same_string, m, text);
	char *copy;

	if (place != HASH_NONE)
		return place;
	copy = pool_copy(&m->pool, text, len);
	place = (uint32_t)m->profile.n_string_table;
	if (!copy || !GROW(m, string_table, string_room) || hash_add(&m->strings, hash, place) != 0) {
		m->failed = true;
		return 0;
	}
	m->profile.string_table[m->profile.n_string_table++] = copy;
	return place;
}

/* File names can have any bytes, but strings of messages have to be UTF-8. JSON has the same rule and cure. */
int64_t pprof_message_string(struct pprof_message *m, const char *text)
{
	json_t *name = json_name(text, text ? strlen(text) : 0);
	int64_t place = 0;

	m->failed |= !name;
	if (json_is_string(name))
		place = add_utf8(m, json_string_value(name));
	json_decref(name);
	return place;
}

struct function_key {
	int64_t name, file;
};

static bool same_function(const void *owner, uint32_t place, const void *key)
{
	const Pprof__Function *function = ((const struct pprof_message *)owner)->profile.function[place];
	const struct function_key *wanted = key;

	return function->name == wanted->name && function->filename == wanted->file;
}

uint64_t pprof_message_function(struct pprof_message *m, const char *name, const char *file)
{
	struct function_key key = {pprof_message_string(m, name), pprof_message_string(m, file)};
	uint64_t hash = hash_mix((uint64_t)key.name ^ hash_mix((uint64_t)key.file));
	uint32_t place = hash_find(&m->functions, hash, same_function, m, &key);
	Pprof__Function *function;

	if (place != HASH_NONE)
		return m->profile.function[place]->id;
	function = pprof_message_allocate(m, sizeof *function);
	place = (uint32_t)m->profile.n_function;
	if (!function || !GROW(m, function, function_room) || hash_add(&m->functions, hash, place) != 0) {
		m->failed = true;
		return 0;
	}
	pprof__function__init(function);
	function->id = (uint64_t)place + 1;
	function->name = function->system_name = key.name;
	function->filename = key.file;
	m->profile.function[m->profile.n_function++] = function;
	return function->id;
}

/* Mappings are few, so they are not hashed. */
static uint64_t find_mapping(const struct pprof_message *m, const Pprof__Mapping *wanted)
{
	for (size_t i = 0; i < m->profile.n_mapping; i++) {
		const Pprof__Mapping *part = m->profile.mapping[i];

		if (part->memory_start == wanted->memory_start && part->memory_limit == wanted->memory_limit &&
		    part->file_offset == wanted->file_offset && part->filename == wanted->filename &&
		    part->build_id == wanted->build_id)
			return part->id;
	}
	return 0;
}

uint64_t pprof_message_mapping(struct pprof_message *m, const struct mapping *mapping)
{
	Pprof__Mapping new, *part;
	uint64_t id;

	pprof__mapping__init(&new);
	new.memory_start = mapping->from;
	new.memory_limit = mapping->to;
	new.file_offset = mapping->offset;
	new.filename = pprof_message_string(m, mapping->path);
	new.build_id = pprof_message_string(m, mapping->build_id);
	/* Everything was looked up, so pprof does not have to look at the files. */
	new.has_functions = new.has_filenames = new.has_line_numbers = new.has_inline_frames = true;
	id = find_mapping(m, &new);
	if (id)
		return id;
	part = pprof_message_allocate(m, sizeof *part);
	if (!part || !GROW(m, mapping, mapping_room))
		return 0;
	*part = new;
	part->id = m->profile.n_mapping + 1;
	m->profile.mapping[m->profile.n_mapping++] = part;
	return part->id;
}

/* ---- locations ------------------------------------------------------------- */

struct location_key {
	uint64_t mapping, address;
	const struct pprof_line *lines;
	size_t count;
};

static bool same_location(const void *owner, uint32_t place, const void *key)
{
	const Pprof__Location *location = ((const struct pprof_message *)owner)->profile.location[place];
	const struct location_key *wanted = key;

	if (location->mapping_id != wanted->mapping || location->address != wanted->address ||
	    location->n_line != wanted->count)
		return false;
	for (size_t i = 0; i < wanted->count; i++)
		if (location->line[i]->function_id != wanted->lines[i].function ||
		    location->line[i]->line != wanted->lines[i].number)
			return false;
	return true;
}

static Pprof__Location *make_location(struct pprof_message *m, const struct location_key *key)
{
	Pprof__Location *location = pprof_message_allocate(m, sizeof *location);
	Pprof__Line **lines = pprof_message_allocate(m, key->count * sizeof(Pprof__Line *));

	if (!location || !lines)
		return NULL;
	pprof__location__init(location);
	location->mapping_id = key->mapping;
	location->address = key->address;
	location->line = lines;
	for (; location->n_line < key->count; location->n_line++) {
		Pprof__Line *line = pprof_message_allocate(m, sizeof *line);

		if (!line)
			return NULL;
		pprof__line__init(line);
		line->function_id = key->lines[location->n_line].function;
		line->line = key->lines[location->n_line].number;
		lines[location->n_line] = line;
	}
	return location;
}

uint64_t pprof_message_location(struct pprof_message *m, uint64_t mapping, uint64_t address,
                                const struct pprof_line *lines, size_t count)
{
	const struct location_key key = {mapping, address, lines, count};
	const uint64_t hash = hash_mix(hash_bytes(lines, count * sizeof *lines) ^ hash_mix(address ^ mapping << 48));
	uint32_t place = hash_find(&m->locations, hash, same_location, m, &key);
	Pprof__Location *location;

	if (place != HASH_NONE)
		return m->profile.location[place]->id;
	location = make_location(m, &key);
	place = (uint32_t)m->profile.n_location;
	if (!location || !GROW(m, location, location_room) || hash_add(&m->locations, hash, place) != 0) {
		m->failed = true;
		return 0;
	}
	location->id = (uint64_t)place + 1;
	m->profile.location[m->profile.n_location++] = location;
	return location->id;
}

Pprof__ValueType *pprof_message_type(struct pprof_message *m, const char *name, const char *unit)
{
	Pprof__ValueType *type = pprof_message_allocate(m, sizeof *type);

	if (!type)
		return NULL;
	pprof__value_type__init(type);
	type->type = pprof_message_string(m, name);
	type->unit = pprof_message_string(m, unit);
	return type;
}

/* ---- samples ---------------------------------------------------------------- */

static bool same_sample(const void *owner, uint32_t place, const void *key)
{
	const Pprof__Sample *sample = ((const struct pprof_message *)owner)->profile.sample[place];
	const struct pprof_sample_key *wanted = key;

	if (sample->n_location_id != wanted->depth || sample->n_label != wanted->label_count ||
	    memcmp(sample->location_id, wanted->locations, wanted->depth * sizeof *wanted->locations) != 0)
		return false;
	for (size_t i = 0; i < wanted->label_count; i++)
		if (sample->label[i]->key != wanted->labels[i].key || sample->label[i]->str != wanted->labels[i].text ||
		    sample->label[i]->num != wanted->labels[i].number)
			return false;
	return true;
}

static int add_label(struct pprof_message *m, Pprof__Sample *sample, const struct pprof_label *label)
{
	Pprof__Label *part = pprof_message_allocate(m, sizeof *part);

	if (!part)
		return -ENOMEM;
	pprof__label__init(part);
	part->key = label->key;
	part->str = label->text;
	part->num = label->number;
	sample->label[sample->n_label++] = part;
	return 0;
}

static Pprof__Sample *make_sample(struct pprof_message *m, const struct pprof_sample_key *key, size_t values)
{
	Pprof__Sample *sample = pprof_message_allocate(m, sizeof *sample);

	if (!sample)
		return NULL;
	pprof__sample__init(sample);
	sample->location_id = pprof_message_allocate(m, key->depth * sizeof *sample->location_id);
	sample->label = pprof_message_allocate(m, (key->label_count + 1) * sizeof(Pprof__Label *));
	sample->value = pprof_message_allocate(m, values * sizeof *sample->value);
	if (!sample->location_id || !sample->label || !sample->value)
		return NULL;
	sample->n_location_id = key->depth;
	memcpy(sample->location_id, key->locations, key->depth * sizeof *key->locations);
	sample->n_value = values;
	memset(sample->value, 0, values * sizeof *sample->value);
	for (size_t i = 0; i < key->label_count; i++)
		if (add_label(m, sample, &key->labels[i]) != 0)
			return NULL;
	return sample;
}

Pprof__Sample *pprof_message_sample(struct pprof_message *m, const struct pprof_sample_key *key, size_t values)
{
	const uint64_t hash = hash_mix(hash_bytes(key->locations, key->depth * sizeof *key->locations) ^
	                               hash_bytes(key->labels, key->label_count * sizeof *key->labels));
	uint32_t place = hash_find(&m->samples, hash, same_sample, m, key);
	Pprof__Sample *sample;

	if (place != HASH_NONE)
		return m->profile.sample[place];
	sample = make_sample(m, key, values);
	place = (uint32_t)m->profile.n_sample;
	if (!sample || !GROW(m, sample, sample_room) || hash_add(&m->samples, hash, place) != 0) {
		m->failed = true;
		return NULL;
	}
	m->profile.sample[m->profile.n_sample++] = sample;
	return sample;
}

/* ---- the whole ---------------------------------------------------------------- */

void pprof_message_begin(struct pprof_message *m)
{
	*m = (struct pprof_message){.failed = false};
	pprof__profile__init(&m->profile);
	/* The first string has to be the empty one. */
	pprof_message_string(m, "");
}

void pprof_message_free(struct pprof_message *m)
{
	free(m->profile.sample);
	free(m->profile.mapping);
	free(m->profile.location);
	free(m->profile.function);
	free(m->profile.string_table);
	hash_free(&m->strings);
	hash_free(&m->functions);
	hash_free(&m->locations);
	hash_free(&m->samples);
	pool_free(&m->pool);
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

/* The samples that have values, in LIST. */
static size_t take_samples(const struct pprof_message *m, Pprof__Sample **list)
{
	size_t count = 0;

	for (size_t i = 0; i < m->profile.n_sample; i++) {
		const Pprof__Sample *sample = m->profile.sample[i];
		bool is_empty = true;

		for (size_t k = 0; k < sample->n_value; k++)
			is_empty &= sample->value[k] == 0;
		if (!is_empty)
			list[count++] = m->profile.sample[i];
	}
	return count;
}

int pprof_message_write(const struct pprof_message *m, FILE *out)
{
	Pprof__Profile profile = m->profile;

	struct compressor compressor = {.base.append = append, .out = out};
	/* In zlib's interface, 16 on top of the window size means the format of gzip. */
	const int window = 15, gzip = 16;

	profile.sample = calloc(profile.n_sample + 1, sizeof(Pprof__Sample *));
	if (!profile.sample || deflateInit2(&compressor.stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window + gzip, 8,
	                                    Z_DEFAULT_STRATEGY) != Z_OK) {
		free(profile.sample);
		return -ENOMEM;
	}
	profile.n_sample = take_samples(m, profile.sample);
	pprof__profile__pack_to_buffer(&profile, &compressor.base);
	free(profile.sample);
	if (!compressor.error)
		compress_bytes(&compressor, NULL, 0, Z_FINISH);
	deflateEnd(&compressor.stream);
	return compressor.error;
}
