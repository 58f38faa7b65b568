/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of code that a process made at run time. Engines of JavaScript, Java, .NET and
 * others write them to /tmp/perf-PID.map, as perf(1) wants them: the address, the size
 * and the name of each piece. Anybody can write to /tmp, and numbers of processes come again,
 * so the file is checked before it is used. log-malloc copies it beside the trace, as
 * TRACE.perf-PID.map: such a copy is used in its place. The file is read when the first
 * name is asked for.
 */
#ifndef LM_READER_PERF_MAP_H
#define LM_READER_PERF_MAP_H

#include "diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose names they are: what its trace says. */
struct perf_process {
	uint64_t pid;
	const char *path;  /* of the trace; NULL if it has none */
	bool is_elsewhere; /* it ran on another machine: what lies in /tmp here is of others */
	int trace;         /* a descriptor of the trace */
	uint64_t time;     /* milliseconds that the trace covers; 0 if unknown */
	bool finished;     /* the process has ended, and wrote to the trace last then */
};

struct perf_piece {
	uint64_t from, to;
	const char *name; /* not ended by a NUL */
	size_t len;
};

struct perf_map {
	struct perf_process process;
	const struct diag *diag; /* is told why a file is not used; can be NULL */
	bool looked;
	char *text;
	/* Pieces may overlap. BORDERS divide the addresses such that each part is in one of them, or in none. */
	struct perf_piece *pieces;
	size_t count, room;
	uint64_t *borders;
	uint32_t *owners; /* by part: 1 more than the piece that came last in the file, or 0 */
	size_t parts;
};

/*
 * The name of the code at ADDRESS, with *LEN bytes and no NUL; NULL if it is not known.
 * At first, MAP is zeros but for PROCESS and DIAG. *ERROR becomes 0, or -ENOMEM.
 */
const char *perf_map_find(struct perf_map *map, uint64_t address, size_t *len, int *error);

/* Adds all lines of TEXT, and keeps it. Lines that can't be read are left out. 0; -E2BIG: too many; or -ENOMEM. */
int perf_map_add(struct perf_map *map, char *text, size_t len);

/*
 * Copies the file of the process, which has ended, beside its trace. Does nothing if there is none. DIAG is told why a
 * file is not copied. 0 or -errno.
 */
int perf_map_keep(const struct perf_process *process, const struct diag *diag);

void perf_map_free(struct perf_map *map);

#endif
