/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message of profile.proto that a profile of pprof is: its parts, each of which is there once, and its bytes.
 * Functions that return a part return NULL or 0 if there is no memory; then the message has failed.
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
	struct pool pool;
	bool failed; /* there was no memory */
};

/* M has to be freed, even if it failed. */
void pprof_message_begin(struct pprof_message *m);

/* Memory for a part, which lasts as long as the message. */
void *pprof_message_allocate(struct pprof_message *m, size_t size);

/* The index of TEXT in the string table; 0 is the empty string, which stands for NULL, too. */
int64_t pprof_message_string(struct pprof_message *m, const char *text);

/* The id of a new mapping. */
uint64_t pprof_message_mapping(struct pprof_message *m, const struct mapping *mapping);

/* A line NUMBER of a function, which is added to the message if it is not there yet. */
Pprof__Line *pprof_message_line(struct pprof_message *m, const char *function, const char *file, int number);

/* A new location with room for COUNT lines. */
Pprof__Location *pprof_message_location(struct pprof_message *m, size_t count);

/* A label with a text, or NULL, and a number. */
Pprof__Label *pprof_message_label(struct pprof_message *m, const char *key, const char *text, uint64_t number);

Pprof__ValueType *pprof_message_type(struct pprof_message *m, const char *name, const char *unit);

/* A new sample with room for DEPTH locations; and adds it, when all of it is there. */
Pprof__Sample *pprof_message_sample(struct pprof_message *m, size_t depth);
void pprof_message_add(struct pprof_message *m, Pprof__Sample *sample);

/* Writes the message, compressed as pprof wants it. 0 or -errno. */
int pprof_message_write(const struct pprof_message *m, FILE *out);

void pprof_message_free(struct pprof_message *m);

#endif
