/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message of profile.proto that a profile of pprof is: its parts, each of which is there once, and its bytes.
 * A part that is there already takes no memory. Functions that return a part return NULL or 0 if there is no memory;
 * then the message has failed.
 */
#ifndef LM_READER_PPROF_MESSAGE_H
#define LM_READER_PPROF_MESSAGE_H

#include "hash.h"
#include "maps.h"
#include "pool.h"

#include "profile.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The parts of the message are in the pool. Arrays that grow belong to the message. */
struct pprof_message {
	Pprof__Profile profile;
	size_t sample_room, mapping_room, location_room, function_room, string_room;
	struct hash_table strings;
	struct hash_table functions;
	struct hash_table locations;
	struct hash_table samples;
	struct pool pool;
	bool failed; /* there was no memory */
};

/* M has to be freed, even if it failed. */
void pprof_message_begin(struct pprof_message *m);

/* Memory for a part, which lasts as long as the message. */
void *pprof_message_allocate(struct pprof_message *m, size_t size);

/* The index of TEXT in the string table; 0 is the empty string, which stands for NULL, too. */
int64_t pprof_message_string(struct pprof_message *m, const char *text);

/* The id of a mapping. */
uint64_t pprof_message_mapping(struct pprof_message *m, const struct mapping *mapping);

/* The id of a function. */
uint64_t pprof_message_function(struct pprof_message *m, const char *name, const char *file);

struct pprof_line {
	uint64_t function; /* its id */
	int64_t number;
};

/* The id of the location at ADDRESS in the mapping with the id MAPPING. */
uint64_t pprof_message_location(struct pprof_message *m, uint64_t mapping, uint64_t address,
                                const struct pprof_line *lines, size_t count);

Pprof__ValueType *pprof_message_type(struct pprof_message *m, const char *name, const char *unit);

/* A text, by its index, or a number. */
struct pprof_label {
	int64_t key, text, number;
};

/* What tells samples apart. */
struct pprof_sample_key {
	const uint64_t *locations; /* their ids */
	size_t depth;
	const struct pprof_label *labels;
	size_t label_count;
};

/* The sample with KEY. A new one has VALUES values, which are 0. */
Pprof__Sample *pprof_message_sample(struct pprof_message *m, const struct pprof_sample_key *key, size_t values);

/* Writes the message, compressed as pprof wants it. 0 or -errno. */
int pprof_message_write(const struct pprof_message *m, FILE *out);

void pprof_message_free(struct pprof_message *m);

#endif
