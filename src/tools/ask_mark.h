/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a process that is traced for a mark. What is asked for lies in the process's
 * journal (src/format/journal.h), and the process writes it to its trace itself. So nothing
 * else ever writes to the trace.
 */
#ifndef LM_ASK_MARK_H
#define LM_ASK_MARK_H

#include <stdbool.h>
#include <sys/types.h>

enum ask_result {
	ASK_TAKEN,   /* the mark is in the trace */
	ASK_WAITS,   /* the process takes it in front of its next event */
	ASK_FULL,    /* as many marks as there is room for are waiting already */
	ASK_TOO_OLD, /* the process has an older tracker, which takes no marks */
	ASK_ENDED,   /* the process has ended */
	ASK_ERROR,   /* errno tells */
};

/* Opens the journal that process PID has mapped. Returns a descriptor; -1 if there is none, with 0 or an errno in
 * errno.
 */
int ask_find_journal(pid_t pid);

/* Asks for a mark called NAME in the journal that is open as FD, and waits a second at most until it is taken. */
enum ask_result ask_mark(int fd, const char *name);

#endif
