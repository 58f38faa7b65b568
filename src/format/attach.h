/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the launcher asks of the preload library in a process that runs already. The launcher has stopped all threads
 * and calls the function on one of them, on a stack of its own, with all signals blocked. No thread is inside the
 * allocator, the loader, or the library.
 */
#ifndef LM_ATTACH_H
#define LM_ATTACH_H

#include <stdint.h>

#define LM_ATTACH_VERSION 1

/* The functions' names in the library: int NAME(struct lm_attach *). They return 0 or -errno. */
#define LM_ATTACH_BEGIN "log_malloc_attach_begin"
#define LM_ATTACH_END   "log_malloc_attach_end"

/*
 * The library's file has this in its name in the process if the launcher loaded it, since it comes as a descriptor.
 * "self" would be the process's first thread, which may have ended.
 */
#define LM_ATTACH_LOADED "/proc/thread-self/fd/"

struct lm_attach {
	uint32_t version;
	int32_t trace;          /* a descriptor in the process; the library closes it, and keeps a duplicate */
	int32_t journal;        /* the same, of an empty regular file that is open for reading and writing; -1: none */
	uint32_t settings_size; /* of the used bytes of SETTINGS */
	uint64_t before_bytes;  /* what the real allocator says is in use; UINT64_MAX: it is not known */
	char settings[4096];    /* NAME=VALUE, each with its NUL, as in an environment; only these count */
};

#endif
