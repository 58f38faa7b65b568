/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a trace of any format as a stream of calls with their backtraces, process
 * image by process image. Lines that can't be read are reported, counted and skipped.
 * A packed record counts as a line.
 */
#ifndef LM_READER_TRACE_H
#define LM_READER_TRACE_H

#include "diag.h"
#include "guess.h"
#include "input.h"
#include "maps.h"
#include "node_table.h"
#include "parse.h"
#include "stacks.h"
#include "threads.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	/* Deeper backtraces are cut. No tracker writes any. */
	TRACE_DEPTH_MAX = 1024,
	/* So many faulty lines are reported one by one. The others are only counted. */
	TRACE_REPORTS_MAX = 20,
	/* So many numbers of backtraces are remembered to recognise damaged ones. */
	NOISE_NUMBERS = 256,
	/* Of a PROCESS line, with a NUL behind it. */
	TRACE_PROCESS_MAX = 32,
	/* Of a title, with a NUL behind it. Longer ones are no tracker's, and are cut. */
	TRACE_TITLE_MAX = 4 * LM_TRACE_TITLE_MAX + 1,
};

/* Addresses that were seen. */
struct noise_range {
	size_t digits;      /* of the longest one */
	uint64_t low, high; /* those with so many digits are between these */
};

/* What damaged records are recognised by; belongs to noise.c. */
struct noise_doubt {
	bool has_sum;
	int64_t used;    /* of the last event */
	uint64_t damage; /* that was noticed before it */
	struct noise_range heap, code;
	uint64_t numbers[NOISE_NUMBERS]; /* of backtraces, the first ones */
	size_t count;
};

/* How an image ended, as far as that is known. */
enum trace_ending {
	TRACE_CUT,       /* it has no end, and there is no telling why */
	TRACE_FINISHED,  /* FINI */
	TRACE_REPLACED,  /* by another image in the same process (exec) */
	TRACE_RUNNING,   /* it had none when the trace was read */
	TRACE_KILLED,    /* the process ended without it */
	TRACE_ENDLESS,   /* a chip's program, which has no end */
	TRACE_DETACHED,  /* FINI, but only the tracing ended: the process may still run */
	TRACE_CONTINUED, /* the trace goes on in another file */
	TRACE_ENDINGS,
};

/* What one execution of one program left in the trace. */
struct trace_image {
	unsigned number; /* from 1 */
	bool has_pid;
	uint64_t pid;
	char process[TRACE_PROCESS_MAX]; /* tells it from others with the same number; "" if unknown */
	uint64_t parent; /* forked from that process, whose blocks it has without the trace showing them; or 0 */
	char title[TRACE_TITLE_MAX]; /* the last one that the program gave itself; "" if it did not */
	const char *flavour; /* how the tracker got into the process, a word of LM_TRACE_FLAVOURS; NULL if unknown */
	bool is_partial;     /* that flavour does not see all calls: flavour.h says which */
	bool is_loaded;      /* the program loaded the tracker by dlopen() */
	bool is_attached;    /* the process ran already when the tracker came */
	bool is_detached;    /* the tracker was told to go */
	bool has_before;     /* is_attached: it is known how many bytes were in use then: */
	uint64_t before;
	bool is_table;    /* it has no events, but what was live */
	bool is_embedded; /* it ran without an operating system */
	char *exe;        /* NULL if unknown; valid as long as the image */
	char *cwd;
	uint64_t first_line, last_line;
	uint64_t events;    /* calls, INIT and FINI */
	uint64_t live_left; /* so many allocations to come are blocks that were live when the file began */
	bool has_older;     /* it begins with what was live when an older file of the trace ended */
	uint64_t continued; /* the trace goes on in another file: EVENTS then, plus 1; 0: it does not */
	uint64_t lost;      /* events that the tracker could not write */
	bool is_limited;    /* it has no allocations from some point on: it was LIMIT bytes large there */
	uint64_t limit;
	uint64_t sample; /* the mean distance of its samples in bytes (amount.h); 0: it has all events */
	uint64_t gaps;   /* calls that had not returned when the process ended or was copied */
	uint64_t unkept; /* blocks whose sizes it could not keep */
	bool has_clock;  /* there was a BEGAN line */
	uint64_t clock;  /* milliseconds since 1970, at INIT */
	bool has_time;   /* there was a TIME line */
	uint64_t time;   /* of the last TIME line: milliseconds since INIT */
	bool begun;      /* has INIT */
	bool finished;   /* has FINI */
	bool followed;   /* another image follows in the trace */
	bool replaced;   /* by an image in the same process (exec) */
	enum trace_ending ending;
	uint64_t signal;       /* that killed it; 0 if it is not known */
	bool restarted;        /* the next image is of the same chip, which started again */
	bool lacks_backtraces; /* a packed trace does not have all nodes and frames that it names */
	struct noise_doubt doubt;
	struct maps maps;
	struct stacks stacks;
	struct threads threads;
	struct node_table nodes; /* of a packed trace */
	struct record_callers
		callers; /* what backtraces are that are not defined; STEP is 0 if the trace does not say */
	struct guess guess;
	struct pool pool;
};

/* Is a part of what happened missing, so that nothing can be said for certain about the image? */
static inline bool trace_is_missing_some(const struct trace_image *image)
{
	return image->lost || image->unkept || image->is_limited;
}

/* Is its end missing? To be asked when the image has ended. */
static inline bool trace_lacks_end(const struct trace_image *image)
{
	return image->ending == TRACE_CUT || image->ending == TRACE_RUNNING || image->ending == TRACE_KILLED ||
	       image->ending == TRACE_CONTINUED;
}

enum trace_kind {
	TRACE_CALL,
	TRACE_INIT,
	TRACE_FINI,
	TRACE_CALLING, /* a call is about to be made; if it returns, its TRACE_CALL follows */
	TRACE_MARK,    /* somebody marked this moment; the trace's RECORD has the name */
	TRACE_REACHED, /* somebody looked at what is reachable, and what was not; the trace's RECORD has a line of it */
	TRACE_END,     /* the image is over, and can be reported on now */
	/* These only come if the trace is read with_lines: */
	TRACE_INFO,      /* an information line; the trace's RECORD has its parts */
	TRACE_BACKTRACE, /* compact format: STACK is called by the RECORD's number from here on */
	TRACE_BELOW,     /* a line of the file that the last FILE line names */
};

struct trace_item {
	enum trace_kind kind;
	struct event event;
	uint32_t stack; /* a number in the image's stacks, or STACK_NONE */
	uint64_t line;
	/*
	 * With_lines: the line, without its newline and the blanks that a packed trace fills lines up with. Valid until
	 * the next item. NULL if EVENT says everything: of a packed record and of some of the most common lines.
	 */
	const char *text;
	size_t len;
};

/* Which records are expected. The line FORMAT tells. */
enum trace_section {
	SECTION_UNKNOWN, /* the trace has no such line so far */
	SECTION_TEXT,
	SECTION_PACKED,
};

struct trace {
	struct input input;
	const struct diag *diag;
	bool without_stacks;      /* the reader needs no backtraces; set before the first item */
	bool with_lines;          /* the reader needs items for all lines; set before the first item */
	bool without_short_cuts;  /* for tests: no line is read the fast way; set before the first item */
	struct trace_image image; /* the one that the last item belongs to */
	uint64_t records;         /* lines that were read and mean something */
	uint64_t malformed;       /* lines that could not be read */
	bool ends_early;          /* it ends in the middle of a line, or with NUL bytes */
	bool noisy;               /* see noise.h; then MALFORMED lines are not reported one by one */
	uint64_t noise;           /* bytes that are no part of a trace, if it is NOISY */
	/* The rest is the state between two calls of trace_next(). */
	struct line line;
	bool ending;         /* TRACE_END was returned; RECORD begins the next image */
	bool over;           /* TRACE_END of the last image was returned */
	uint64_t unfinished; /* the number of a line without newline; to be reported if more text follows */
	enum trace_section section;
	bool looked;     /* at the trace's first byte */
	bool junk;       /* lines that are no part of a trace stand in front of the first header */
	bool torn;       /* the frames of the next record may stand below this one, because its line was damaged */
	bool below_text; /* the last record was not a packed one, so more lines of it can follow */
	bool in_file;    /* with_lines: the lines below are the content of a file */
	bool in_map;     /* that is a memory map */
	char *kept;      /* with_lines: the text of the last line that could be read */
	size_t kept_len, kept_room;
	uint64_t pending; /* so many faults wait, of which the first one is this: */
	uint64_t pending_line;
	const char *pending_message;
	uint64_t complained_line;
	const char *complaint; /* about that line */
	struct record record;
	uint32_t frames[TRACE_DEPTH_MAX];
};

/* Opens PATH, or standard input if it is "-". DIAG can be NULL, and has to stay valid. 0 or -errno. */
int trace_open(struct trace *trace, const char *path, const struct diag *diag);

/* Opens the LEN bytes TEXT as if they were the file NAME. TEXT is freed in any case. DIAG as above. 0 or -ENOMEM. */
int trace_open_text(struct trace *trace, const char *name, char *text, size_t len, const struct diag *diag);

/* Returns 1 and an item, 0 after the TRACE_END of the last image, or -errno. */
int trace_next(struct trace *trace, struct trace_item *item);

void trace_close(struct trace *trace);

#endif
