/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Joins a trace with the process that writes it: which of the blocks that are live now can the process still reach? The
 * trace is read while the process runs. Then the process is stopped, the rest of the trace is read, and the process's
 * memory is copied. So blocks and memory are of the same moment. Pointers are followed when the process runs again.
 */
#ifndef LM_LOST_H
#define LM_LOST_H

#include "heap.h"
#include "reach.h"
#include "stop.h"
#include "trace.h"
#include "unreached.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What it took. */
struct lost_figures {
	pid_t pid;         /* of the process, here */
	uint64_t still_us; /* how long it stood still */
	uint64_t copied;   /* bytes of its memory */
	size_t threads;
	uint64_t sample;              /* the trace has samples alone, one in so many bytes; 0: all blocks */
	uint64_t blocks[REACH_KINDS]; /* of each kind, and the bytes that were asked for: */
	uint64_t bytes[REACH_KINDS];
	char trouble[600]; /* after an error: a sentence for people, without a full stop */
};

/*
 * TRACE is the path of a trace. PID is the process that writes to it; 0: the one that the trace names. STOPPED: its
 * threads, which all stand, and which the caller lets go on later; NULL: the process is stopped for as short as
 * possible. 0 with UNREACHED and FIGURES, or -errno with FIGURES->trouble.
 */
int lost_look(const char *trace, pid_t pid, const struct stop *stopped, struct unreached *unreached,
              struct lost_figures *figures);

/* ---- in parts, for those who read the trace themselves ----------------------------- */

struct lost {
	pid_t pid;                  /* set by the caller; 0: as the trace says */
	const struct stop *stopped; /* set by the caller, or NULL */
	/* The rest is the state. */
	struct trace *trace;
	struct stop stop; /* of our own */
	bool is_done;     /* the process was stopped */
	uint64_t began;   /* when, in microseconds */
	uint64_t limit;   /* of the bytes of the trace that are read before that */
	unsigned rounds;
	struct reach_copy copy;
	struct lost_figures figures;
	int error;
};

/* To be called before anything of TRACE is read. LOST is zeros but for what the caller sets. 0 or -errno. */
int lost_begin(struct lost *lost, struct trace *trace);

void lost_stop_now(struct lost *lost);

/* To be called now and then while TRACE is read: a process that writes faster than we read has to be stopped. */
static inline void lost_keep_up(struct lost *lost)
{
	if (lost->trace->input.source.position >= lost->limit && !lost->is_done)
		lost_stop_now(lost);
}

/* To be called at the end of the trace's last image, with its live blocks. Lets the process go on. As lost_look(). */
int lost_finish(struct lost *lost, const struct heap *heap, struct unreached *unreached);

/* Lets the process go on if it still stands, and frees what LOST has, but not its figures. */
void lost_end(struct lost *lost);

#endif
