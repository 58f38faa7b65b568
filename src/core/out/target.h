/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What the trace's descriptor is open on: is it still there, and what is it? Nothing is written here. Functions that
 * may find the descriptor anew are called with the lock of direct.h.
 */
#ifndef LM_TARGET_H
#define LM_TARGET_H

#include <stdint.h>

#include "descriptor.h"

/*
 * Keeps a private duplicate of FD, the trace's descriptor, with a high number that
 * programs do not use. Returns the duplicate, or -errno.
 */
int lm_target_open(int fd);

/*
 * With the lock. The program may have closed our duplicate, as daemons close all descriptors. If the trace can still be
 * found, makes another duplicate. 0, or -errno.
 */
int lm_target_find(void);

/* Our duplicate, or -1. */
int lm_target_fd(void);

/* Can a write succeed later, after one failed with ERROR, an -errno? */
int lm_target_comes_back(int error);

/* Is the trace a regular file? */
int lm_target_is_file(void);

/* The size of the trace, a regular file, in bytes. 0, or -errno. */
int lm_target_size(uint64_t *size);

/*
 * Has the disk room for more than a few lines? An almost full disk still takes
 * short lines when every longer write fails.
 */
int lm_target_has_room(void);

/*
 * Is FD a regular file that none of the program's standard descriptors is open on, and do we write at its end? Then
 * its size tells what was written.
 */
int lm_target_is_alone(int fd);

/* What the trace is. */
enum lm_target_kind {
	LM_TARGET_FILE,
	LM_TARGET_STREAM, /* a pipe, a FIFO or a stream socket of the trace's own: a write of any size can follow
	                     another */
	LM_TARGET_SINK,   /* the null device: what is written there is read by nobody */
	LM_TARGET_OTHER,  /* a terminal, a device, a socket with messages, or what is the program's output as well */
};

/* With the lock: finds the trace. *FD, and what it is; OTHER if it can't be found. */
enum lm_target_kind lm_target_kind(int *fd);

/* With the lock: see lm_direct_grows_to(). Is there anything to do? */
int lm_target_is_due(uint64_t size);
void lm_target_grows_to(uint64_t size);

/* With the lock: see lm_direct_trim(). Is there anything to do? */
int lm_target_is_advanced(void);
void lm_target_trim(void);

/*
 * FILE, which becomes ours, is the trace from now on. Descriptor 1022 is moved, too, if it was open on the trace. The
 * file before is closed. Nobody may be writing.
 */
void lm_target_move(const struct lm_descriptor *file);

/* Closes the trace and forgets all about it: in a child of fork, its parent's. */
void lm_target_forget(void);

#endif
