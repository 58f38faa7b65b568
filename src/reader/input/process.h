/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the system tells of the process that writes a trace: does it run still? */
#ifndef LM_READER_PROCESS_H
#define LM_READER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Does a process hold its lock on the trace that is open as FD? It has none any more if it closed all its descriptors.
 */
bool process_holds_lock(int fd);

/* The identity (src/format/identity.h) of process WHICH, a number or "self"; 0 if it has ended or can't be looked at.
 */
uint64_t process_identity(const char *which);

/* Does process PID run, and is its identity the hexadecimal number IDENTITY? */
bool process_runs(uint64_t pid, const char *identity);

/* Does process HERE run, is IDENTITY its identity, and does it call itself PID in its own PID namespace? */
bool process_is(uint64_t here, uint64_t pid, const char *identity);

/*
 * The number here of the process that has the identity IDENTITY and calls itself PID. 0: there is none, as far as
 * processes can be seen. Processes that started within 10 ms can have the same identity.
 */
uint64_t process_find(uint64_t pid, const char *identity);

enum process_use {
	PROCESS_USES,       /* some process has the file mapped */
	PROCESS_USES_NOT,   /* none has, as far as this PID namespace is seen */
	PROCESS_USE_UNKNOWN /* a process that may be PID can't be looked at */
};

/* Has a process FILE mapped? PID is the number that the process which made the file calls itself by. */
enum process_use process_maps(const struct stat *file, uint64_t pid);

#endif
