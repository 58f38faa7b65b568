/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts what a process left in a journal into its trace: what a killed process
 * had recorded, or what other threads recorded behind FINI. Called when the
 * process has ended; nobody else may write to its journal.
 */
#ifndef LM_MERGE_H
#define LM_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct destination;
struct diag;

/* What could not be appended to the trace. It stays in the journal, where the commands read it. */
struct merge_left {
	char *text; /* belongs behind the trace; NULL: nothing */
	size_t len;
};

/*
 * Appends what process PID left in the journal of TO's trace, and removes the
 * journal when the trace has all of it. Tells DIAG what is in the way of that.
 * The caller frees LEFT.
 *
 * If log-malloc ends in the middle of this, trace and journal are as good as
 * before: the trace's size tells how much of the journal it has.
 */
void merge_journal(const struct destination *to, pid_t pid, const struct diag *diag, struct merge_left *left);

/* Are the records of TO's trace words? It has to be open. */
bool merge_is_packed(const struct destination *to);

/*
 * Appends LINES to TO's trace, which has all else that it will have, merge_journal() included. In a packed trace, each
 * of them fills whole words. Does nothing if the trace ends in the middle of a record, or if another process writes to
 * it.
 */
void merge_lines(const struct destination *to, const char *lines, size_t len);

/*
 * The command was ended by SIGNAL, and its trace has all that it will have, merge_journal() included: writes that
 * behind it, unless the trace ends in the middle of a record.
 */
void merge_killed(const struct destination *to, int signal);

void merge_left_free(struct merge_left *left);

#endif
