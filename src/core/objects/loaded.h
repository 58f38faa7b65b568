/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Which object an address lies in: the program, a library, the vdso. The loader's
 * lock is never taken: a program may hold a lock of its own while it allocates, and
 * take the same lock in a callback of dl_iterate_phdr(). The program and the vdso
 * are found as the kernel told of them. All other objects are found by glibc's
 * _dl_find_object(), which knows every namespace and takes no lock; where the libc
 * has none, in the kernel's map of the memory.
 */
#ifndef LM_LOADED_H
#define LM_LOADED_H

#include <stdint.h>

#include "headers.h"
#include "procmaps.h"

/*
 * The object that PC lies in, and its file's path in PATH, which has PATH_MAX bytes; it is "" where there is no file.
 * 0, or -1: PC lies in no object.
 */
int lm_loaded_find(uintptr_t pc, struct lm_loaded *loaded, char *path);

/* Can it be said at once that PC lies in no object? */
int lm_loaded_is_nowhere(uintptr_t pc);

/* The same as lm_loaded_find() by the kernel's map alone. */
int lm_loaded_find_by_maps(uintptr_t pc, struct lm_loaded *loaded, char *path);

/* Is it the same file at the same address? */
int lm_loaded_is_same(const struct lm_loaded *a, const struct lm_loaded *b);

/* Are both from the same file, as far as a build-id or a stamp can tell? */
int lm_loaded_is_same_file(const struct lm_loaded *a, const struct lm_loaded *b);

/* A look at which objects are still there. To be ended in any case. */
struct lm_loaded_look {
	struct lm_whole maps;
	int is_thorough; /* the kernel's map is read where only that can tell */
	int is_read;     /* it was */
};

void lm_loaded_look_begin(struct lm_loaded_look *look, int is_thorough);
int lm_loaded_is_there(struct lm_loaded_look *look, const struct lm_loaded *loaded);
void lm_loaded_look_end(struct lm_loaded_look *look);

/* Nothing is remembered of memory that is no object's. */
void lm_loaded_forget(void);

#endif
