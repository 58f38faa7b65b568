/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Whose trace a file is. A POSIX record lock tells which process owns it. Like the
 * trace, the lock is kept over exec and not inherited by a child of fork. The
 * process loses the lock if it closes descriptor 1022. LOG_MALLOC_OWNER, which
 * the launcher sets, still tells the owner then. In a file that a process opened
 * by its name, the first lines tell who began it.
 */
#ifndef LM_OWNER_H
#define LM_OWNER_H

#include <stddef.h>

/* The process that holds the lock can't be named: it is in another PID namespace, or on another machine. */
#define LM_OWNER_UNNAMED (-1L)

/*
 * Locks FD's file as this process's trace: 0; or -1 if it is another process's, and
 * *HOLDER is that process. HOLDER may be NULL. Has to be called again after the
 * process closed any descriptor of that file, because that ends its locks on it.
 */
int lm_owner_claim(int fd, long *holder);

enum lm_owner { LM_OWNER_UNKNOWN, LM_OWNER_US, LM_OWNER_OTHER };

/*
 * For which process did the launcher open FD's file? For the same one if that began the trace in it. OWNER is
 * LOG_MALLOC_OWNER, or NULL.
 */
enum lm_owner lm_owner_find(int fd, const char *owner);

/* Writes the process that OWNER names into RUN, of SIZE bytes, as LM_TRACE_RUN has it; "" where it names none. */
void lm_owner_find_run(const char *owner, char *run, size_t size);

enum lm_begun {
	LM_BEGUN_OTHERWISE,   /* the file is empty, or holds something else */
	LM_BEGUN_BY_US,       /* this process began the trace, before it called exec */
	LM_BEGUN_BY_NAMESAKE, /* another process, which had the same number, did */
};

/* Who began the trace in FD's file? Where the start of a process can't be found out, its number has to do. */
enum lm_begun lm_owner_begun(int fd);

#endif
