/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attaches the preload library to a process that runs, and detaches it again, from outside (docs/attach.md). What the
 * library does is agreed in src/format/attach.h.
 */
#ifndef LM_OUTSIDE_ATTACHING_H
#define LM_OUTSIDE_ATTACHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a process has of our library. */
enum attaching_state {
	ATTACHING_NONE,
	ATTACHING_IDLE,     /* it was attached and detached */
	ATTACHING_ATTACHED, /* its calls lead to the library */
	ATTACHING_PRELOADED,
	ATTACHING_LOADED, /* the program has loaded it itself, by dlopen() */
};

struct attaching {
	pid_t pid;
	int library;          /* its file, open for reading */
	int trace, journal;   /* of the trace; JOURNAL can be -1 */
	const char *settings; /* NAME=VALUE, each with its NUL */
	size_t settings_size;
	pid_t thread; /* own: stop_find_thread() at the beginning */
	/* Results: */
	char reason[512];    /* why it failed: one sentence without a full stop */
	uint64_t stood_ns;   /* how long the process stood still */
	size_t slots;        /* calls that were changed */
	size_t pointers;     /* pointers to functions that were changed */
	bool sees_later;     /* objects that are loaded later are seen */
	bool library_was_in; /* from an earlier time */
};

/* 0, or -errno with a reason. */
int attaching_state(struct attaching *attaching, enum attaching_state *state);
int attaching_begin(struct attaching *attaching);
int attaching_end(struct attaching *attaching);

#endif
