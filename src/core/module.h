/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The loaded objects: program, libraries, vdso. The list only grows; an object
 * that was unloaded stays on it, marked. No locks of ours are held while the
 * loader's list is read, and nothing is allocated through malloc.
 */
#ifndef LM_MODULE_H
#define LM_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define LM_BUILD_ID_MAX 64

struct lm_module {
	struct lm_module *next;
	uintptr_t start, end; /* the pages of its first to its last segment */
	uintptr_t bias;       /* what was added to the addresses in its file */
	uint64_t offset;      /* in the file, of START */
	const uint8_t *eh_frame_hdr;
	const char *file; /* to be opened; NULL for the vdso */
	const char *name; /* absolute, escaped as frames have it; NULL likewise */
	uint8_t build_id[LM_BUILD_ID_MAX];
	unsigned build_id_size;
	unsigned seen; /* by which pass over the loader's list */
	int gone;      /* unloaded */
	int announced; /* its MODULE line is written */
	void *symbols; /* symbol.c's */
};

/* The object that PC lies in, or NULL. */
struct lm_module *lm_module_find(uintptr_t pc);

/* Looks whether objects came or went, and brings the list up to date. Were any unloaded? */
int lm_module_check(void);

/* A number that changes whenever the list did. */
unsigned lm_module_generation(void);

/* Cheap: PC called the allocator; if it is the dynamic loader's, objects may come or go. */
void lm_module_note_caller(uintptr_t pc);
/* Is there reason for lm_module_check()? Asked once, then no more. */
int lm_module_suspect(void);

/* The MODULE line up to the module's name. */
#define LM_MODULE_RECORD_MAX (64 + 2 * LM_BUILD_ID_MAX)
void lm_module_record(struct lm_text *text, const struct lm_module *module);

#endif
