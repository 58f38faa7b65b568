/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a trace goes that log-malloc sets up: a file, standard error, or what
 * is already open on descriptor 1022. Chosen before the fork, set up in the
 * command's process, and looked at from outside to be counted at the end.
 */
#ifndef LM_DESTINATION_H
#define LM_DESTINATION_H

#include <limits.h>
#include <sys/types.h>

struct diag;

enum destination_kind { DESTINATION_FILE, DESTINATION_STDERR, DESTINATION_INHERITED };

struct destination {
	enum destination_kind kind;
	const char *name;    /* as given, %p in it */
	char path[PATH_MAX]; /* %p replaced: known when the command's process is */
	int fd;              /* for reading, -1 if it can't be read again */
	off_t start;         /* what is in front belongs to someone else */
	char *childrens;     /* NAME for the processes that the command starts, absolute; NULL: they write nothing */
	size_t own_place;    /* so many bytes of it are the current directory's, as paths have them */
	int is_suffixed;     /* with .%p behind, which NAME does not have */
};

/* What could not be done in the command's process. */
enum destination_step { DESTINATION_DONE, DESTINATION_OPEN, DESTINATION_LIMIT, DESTINATION_DUP };

/* OPTION is the file that was asked for, "-" for standard error, or NULL. */
void destination_choose(struct destination *to, const char *option);

/*
 * The processes that the command starts are to have traces of their own. 0, or
 * -1: there is no file that theirs could be beside.
 */
int destination_follow_children(struct destination *to);

/*
 * In the command's process, before it runs: opens the trace on descriptor
 * 1022 and claims it for this process, with LOG_MALLOC_OWNER too. Else says
 * which step failed, with errno.
 */
enum destination_step destination_set_up(struct destination *to);

/* In ours: fills in the path for the command's PID. */
void destination_name(struct destination *to, pid_t pid);

/* In ours, after the command's process has set it up: opens it for reading, if it is a file. */
void destination_follow(struct destination *to);

/*
 * In ours, after the command's process PID has ended: appends what it left in
 * a journal to the trace, and removes the journal. Says what is in the way of
 * that; both files are as they were then.
 */
void destination_complete(struct destination *to, pid_t pid, const struct diag *diag);

#endif
