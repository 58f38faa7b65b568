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

/* The id of the function. 0 if there is no memory. */
static uint64_t add_function(struct pprof_message *m, const char *name, const char *file)
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

uint64_t pprof_message_mapping(struct pprof_message *m, const struct mapping *mapping)
{
	Pprof__Mapping *part = pprof_message_allocate(m, sizeof *part);

	if (!part || !GROW(m, mapping, mapping_room))
		return 0;
	pprof__mapping__init(part);
	part->id = m->profile.n_mapping + 1;
	part->memory_start = mapping->from;
	part->memory_limit = mapping->to;
	part->file_offset = mapping->offset;
	part->filename = pprof_message_string(m, mapping->path);
	part->build_id = pprof_message_string(m, mapping->build_id);
	/* Everything was looked up, so pprof does not have to look at the files. */
	part->has_functions = part->has_filenames = part->has_line_numbers = part->has_inline_frames = true;
	m->profile.mapping[m->profile.n_mapping++] = part;
	return part->id;
}

Pprof__Line *pprof_message_line(struct pprof_message *m, const char *function, const char *file, int number)
{
	Pprof__Line *line = pprof_message_allocate(m, sizeof *line);

	if (!line)
		return NULL;
	pprof__line__init(line);
	line->function_id = add_function(m, function, file);
	line->line = number > 0 ? number : 0;
	return line;
}

Pprof__Location *pprof_message_location(struct pprof_message *m, size_t count)
{
	Pprof__Location *location = pprof_message_allocate(m, sizeof *location);
	Pprof__Line **lines = pprof_message_allocate(m, count * sizeof(Pprof__Line *));

	if (!location || !lines || !GROW(m, location, location_room))
		return NULL;
	pprof__location__init(location);
	location->id = m->profile.n_location + 1;
	location->line = lines;
	m->profile.location[m->profile.n_location++] = location;
	return location;
}

Pprof__Label *pprof_message_label(struct pprof_message *m, const char *key, const char *text, uint64_t number)
{
	Pprof__Label *label = pprof_message_allocate(m, sizeof *label);

	if (!label)
		return NULL;
	pprof__label__init(label);
	label->key = pprof_message_string(m, key);
	label->str = pprof_message_string(m, text);
	label->num = (int64_t)number;
	return label;
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

Pprof__Sample *pprof_message_sample(struct pprof_message *m, size_t depth)
{
	Pprof__Sample *sample = pprof_message_allocate(m, sizeof *sample);

	if (!sample || !GROW(m, sample, sample_room))
		return NULL;
	pprof__sample__init(sample);
	sample->location_id = pprof_message_allocate(m, depth * sizeof *sample->location_id);
	return sample->location_id ? sample : NULL;
}

void pprof_message_add(struct pprof_message *m, Pprof__Sample *sample)
{
	m->profile.sample[m->profile.n_sample++] = sample;
}

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

int pprof_message_write(const struct pprof_message *m, FILE *out)
{
	struct compressor compressor = {.base.append = append, .out = out};
	/* In zlib's interface, 16 on top of the window size means the format of gzip. */
	const int window = 15, gzip = 16;

	if (deflateInit2(&compressor.stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window + gzip, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	pprof__profile__pack_to_buffer(&m->profile, &compressor.base);
	if (!compressor.error)
		compress_bytes(&compressor, NULL, 0, Z_FINISH);
	deflateEnd(&compressor.stream);
	return compressor.error;
}
