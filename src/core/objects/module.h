/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The objects in which calls were met: program, libraries, vdso. An object becomes
 * known when an address in it is asked for. One that was unloaded is marked as gone,
 * and stays known: if its file comes back to its place, it is the same module again.
 * No locks, no malloc; the loader's lock is never taken (loaded.h).
 */
#ifndef LM_MODULE_H
#define LM_MODULE_H

#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "loaded.h"
#include "text.h"

struct lm_module {
	struct lm_module *next;
	struct lm_module **place; /* among the modules that are loaded */
	struct lm_loaded loaded;
	const char *file; /* to be opened; NULL for the vdso */
	const char *name; /* absolute, escaped as frames have it; NULL likewise */
	unsigned number;  /* from 1: no other object has it, whatever comes to lie here */
	int gone;         /* unloaded */
	int unloaded;     /* the loader has released what it kept of it */
	int is_watched;   /* lm_filter_lacks() is not certain of its handle */
	int announced;    /* its MODULE line is written */
	void *symbols;    /* symbol.c's */
};

/* The object that PC lies in, or NULL. */
struct lm_module *lm_module_find(uintptr_t pc);

/* The same among the program and the objects that were met: no other object is looked for. */
struct lm_module *lm_module_known(uintptr_t pc);

/* All there were, linked by NEXT; those that are gone included. */
const struct lm_module *lm_module_first(void);

/* Looks which objects are gone. Were any unloaded? IS_SUSPECT: see below; without a suspicion only a cheap look is had.
 */
int lm_module_check(int is_suspect);

/*
 * Of a sampled process, most calls of the loader are not seen. But it keeps each object in a block, the handle, which
 * the filter (filter.h) has. P passes the filter and is about to be released: if it is a handle, the object is gone,
 * even if another one has its handle and its place by the next event.
 */
void lm_module_note_release(const void *p);

/* There is a new filter. No other thread may be at work. */
void lm_module_watch_again(void);

/* The trace begins a new file: no object's MODULE line is in that. */
void lm_module_renew(void);

/* In a child of fork: the same, and no other thread is at work. */
void lm_module_forked(void);

/* No object is known any more; the arena has what was. No other thread may be at work. */
void lm_module_release(void);

/* A number that changes whenever an object comes or goes. */
unsigned lm_module_generation(void);

/* Belongs to module.c; declared here for the functions that are inlined. */
extern struct lm_module_watch {
	uintptr_t loader, loader_size; /* the dynamic loader's pages */
	int suspect;
	int distrusted; /* calls of the loader may have been missed */
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

/* For a time, callers were not noted. At the next check, what can be unloaded counts as gone until it is met again. */
static inline void lm_module_distrust(void)
{
	lm_store(&lm_module_watch.distrusted, 1);
	lm_store_release(&lm_module_watch.suspect, 1);
}

/* The MODULE line up to the module's name. */
#define LM_MODULE_RECORD_MAX (64 + 2 * LM_BUILD_ID_MAX)
void lm_module_record(struct lm_text *text, const struct lm_module *module);

#endif
