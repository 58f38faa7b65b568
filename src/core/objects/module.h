/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The loaded objects: program, libraries, vdso. The list only grows: an object
 * that was unloaded stays on it, marked as gone, until it comes back to its place.
 * No locks of ours are held while the loader's list is read, and nothing is
 * allocated through malloc.
 */
#ifndef LM_MODULE_H
#define LM_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
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
	unsigned number; /* from 1: no other object has it, whatever comes to lie here */
	unsigned seen;   /* by which pass over the loader's list */
	int gone;        /* unloaded */
	int elsewhere;   /* not from the loader's list, which tells of our own namespace only (dlmopen) */
	int announced;   /* its MODULE line is written */
	void *symbols;   /* symbol.c's */
};

/* The object that PC lies in, or NULL. */
struct lm_module *lm_module_find(uintptr_t pc);

/* The number of the known object that PC lies in, or 0. */
unsigned lm_module_number(uintptr_t pc);

/* All there were; those that are gone included. */
const struct lm_module *lm_module_first(void);

/* Have both the same build-id, or none? */
int lm_module_is_same_build(const struct lm_module *a, const struct lm_module *b);

/* Looks whether objects came or went, and brings the list up to date. Were any unloaded? */
int lm_module_check(void);

/*
 * The loader's list is read under the loader's lock. If a thread forked during
 * that, the child would find the lock taken for ever. So between these two calls
 * no thread reads the list for us.
 */
void lm_module_before_fork(void);
void lm_module_after_fork(void);

/*
 * In a child of fork: no object's MODULE line is written. IS_LIST_SAFE is 0 if
 * other threads ran and the two calls above were not made: the loader's lock may
 * be taken, and is never touched again.
 */
void lm_module_forked(int is_list_safe);

/* A number that changes whenever the list did. */
unsigned lm_module_generation(void);

/* Belongs to module.c; declared here for the functions that are inlined. */
extern struct lm_module_watch {
	uintptr_t loader, loader_size; /* the dynamic loader's pages */
	int suspect;
} lm_module_watch LM_INTERNAL;

/* PC called the allocator. If it lies in the dynamic loader, objects may come or go. Cheap. */
static inline void lm_module_note_caller(uintptr_t pc)
{
	if (unlikely(pc - lm_load(&lm_module_watch.loader) < lm_load(&lm_module_watch.loader_size)))
		lm_store(&lm_module_watch.suspect, 1);
}

/* Is there reason for lm_module_check()? */
static inline int lm_module_is_suspect(void)
{
	return unlikely(lm_load(&lm_module_watch.suspect));
}

/* The same, and whoever gets a 1 has to call lm_module_check(): nobody else gets one for the same reason. */
static inline int lm_module_take_suspicion(void)
{
	return lm_module_is_suspect() && lm_exchange(&lm_module_watch.suspect, 0);
}

/* The MODULE line up to the module's name. */
#define LM_MODULE_RECORD_MAX (64 + 2 * LM_BUILD_ID_MAX)
void lm_module_record(struct lm_text *text, const struct lm_module *module);

#endif
