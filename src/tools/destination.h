/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which file the trace is written to: one that was asked for, standard error,
 * or what is already open on descriptor 1022. Chosen before the command's
 * process is started.
 */
#ifndef LM_DESTINATION_H
#define LM_DESTINATION_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum destination_kind { DESTINATION_FILE, DESTINATION_STDERR, DESTINATION_INHERITED };

struct destination {
	enum destination_kind kind;
	const char *name;    /* as given, with %p */
	char path[PATH_MAX]; /* with the process id for %p; known when the command's process has started */
	int fd;              /* for reading; -1: the trace can't be read back */
	bool is_unread;      /* it is a FIFO whose reader was gone before STREAM could be opened */
	int stream;          /* for writing, of a trace that can't be read back: whether that still goes well; or -1 */
	uint64_t former_max; /* the trace of an earlier run is kept if it has no more bytes; 0: it is emptied */
	bool has_gone_on;    /* FD is a newer file than the one that was opened first */
	off_t start;         /* where the command's part of the file begins */
	char run[32];        /* what the traces of these processes tell of us (LM_TRACE_RUN); "": nothing */
	char *childrens;     /* NAME for the processes that the command starts, as an absolute path; NULL: they are not
	                        traced */
	size_t own_place;    /* bytes of CHILDRENS that are the current directory; messages leave them out */
	int is_suffixed;     /* CHILDRENS has a .%p, which NAME does not have */
};

/* OPTION is the file that was asked for, "-" for standard error, or NULL. */
void destination_choose(struct destination *to, const char *option);

/*
 * The processes that the command starts get traces of their own. 0, or -1: the
 * trace is no file that theirs could lie beside.
 */
int destination_follow_children(struct destination *to);

/* Fills in the path for process PID: %p is its number, %% a percent sign. 0 or an errno. */
int destination_name(struct destination *to, pid_t pid);

/* Did nobody choose a place for the trace? */
bool destination_is_default(const struct destination *to);

/* PATH as a name in which nothing is replaced. Allocated with malloc(); NULL without memory. */
char *destination_pattern(const char *path);

/* Is the trace a regular file, or will it be one? Not what a user opened as descriptor 1022 or standard error. */
bool destination_is_regular(const struct destination *to);

/* Is it such a file, and does its name ask for compression? */
bool destination_is_compressed(const struct destination *to);

/* The value of LOG_MALLOC_OUTPUT for the processes that the command starts, or NULL. Changes CHILDRENS. */
const char *destination_childrens_output(struct destination *to);

/*
 * Where the trace is now: sets PATH to its name, which is another one if it was moved.
 * False if it has no name that leads to it any more. It has to be open.
 */
bool destination_locate(const struct destination *to, char path[PATH_MAX]);

/* A sampled trace with a limit may have gone on in a new file: if so, that one is the trace from here on. */
void destination_go_on(struct destination *to);

/* Opens the trace of process PID for reading, or as a stream. It is set up, and the command does not run yet. */
void destination_open(struct destination *to, pid_t pid);

#endif
