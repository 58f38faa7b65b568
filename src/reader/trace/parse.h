/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads one line of a trace, by the grammar of log-malloc2(5). Allocates nothing and
 * keeps nothing.
 */
#ifndef LM_READER_PARSE_H
#define LM_READER_PARSE_H

#include "trace_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind {
	RECORD_CALL,
	RECORD_INIT,
	RECORD_FINI,
	RECORD_INFO,
	RECORD_FRAME, /* begins with neither '+' nor '#'; frame_parse() tells whether it is a frame */
	RECORD_BLANK, /* an empty line, or the tracker's banner if the trace goes to standard error */
};

enum record_info {
	INFO_PID,
	INFO_FORKED,
	INFO_EXE,
	INFO_CWD,
	INFO_FLAVOUR,
	INFO_FORMAT,
	INFO_MODULE,
	INFO_GUESSED, /* NUMBER is a return address that the tracker guessed */
	INFO_BEGAN,   /* NUMBER are milliseconds since 1970, at INIT */
	INFO_TIME,
	INFO_MARK,
	INFO_BACKTRACE,
	INFO_FILE,
	INFO_LOST,
	INFO_LIMIT,
	INFO_SAMPLE,  /* NUMBER is the mean distance of the samples, in bytes */
	INFO_KILLED,  /* NUMBER is the signal that ended the process */
	INFO_TITLE,   /* TEXT is the process's title, as it is written */
	INFO_NOTHING, /* in the place of a call that had not returned, or was lost */
	INFO_PROCESS,
	INFO_CALLING, /* EVENT is what is about to be called, without a result; or a release by the wrong way */
	INFO_THREAD,  /* NUMBER is thread TID; TEXT is its name, as it is written */
	INFO_FRAME,   /* packed format: the next line is frame NUMBER */
	INFO_NODE,    /* packed format: NODE tells of a node of the tree of backtraces */
	INFO_CALLERS, /* CALLERS tells what backtraces are that no other record tells */
	INFO_LIVE,    /* NUMBER allocations that follow were live when the file began, or a chip's memory was dumped */
	INFO_CONTINUED, /* the trace goes on in another file */
	INFO_BEFORE,    /* NUMBER are the bytes that were in use when the tracker attached */
	INFO_DETACHED,
	INFO_REACHED,     /* at NUMBER milliseconds since INIT somebody looked at what is reachable; TEXT says more */
	INFO_UNREACHABLE, /* TEXT has blocks that were not, see parse_block() */
	INFO_OTHER,
};

enum { RECORD_ARGS_MAX = 4 };

/* A call, INIT or FINI. Sizes are in bytes. A null pointer is 0. */
struct event {
	enum lm_call call;
	int64_t change;     /* by how much the call changed the requested bytes in use */
	uint64_t pointer;   /* the returned or the freed pointer */
	uint64_t old;       /* realloc, reallocarray: the pointer that was passed; otherwise 0 */
	uint64_t size;      /* requested size of the block at POINTER */
	int64_t slack;      /* usable bytes without SIZE, if the trace says so (-SIZE if none are known); otherwise 0 */
	int64_t old_slack;  /* realloc: the same of OLD */
	int64_t used;       /* U: requested bytes in use after the call */
	int64_t usable;     /* R: their malloc_usable_size */
	uint64_t backtrace; /* compact format: its number, if has_backtrace */
	uint32_t thread;    /* if has_thread: the number of the thread that made the call; 0: not known */
	uint32_t by;        /* set by trace_next(): that thread's place in the image's threads (threads.h) */
	uint8_t release;    /* a mismatch: the way that the block is about to be released by (enum lm_way), and... */
	uint8_t asked;      /* ...the other one that it was asked for by */
	unsigned arg_count;
	unsigned error; /* errno of a failed call; 0 if unknown or if it did not fail */
	bool failed;
	bool foreign; /* the tracker never saw the passed block allocated */
	bool busy;    /* the tracker was already active in this thread, so there is no backtrace */
	bool unseen;  /* the tracker did not see this release, but concluded that it happened */
	bool is_live; /* no call: the block was live when the trace's file began; set by trace_next() */
	bool unkept;  /* the tracker could not keep the block's size: USED and USABLE do not include it */
	bool has_backtrace;
	bool has_thread;
	bool has_statm;
	bool without_totals; /* in a packed trace: USED and USABLE are not those of this event, see totals.h */
	bool without_sizes;  /* a packed record: the size of the released block is missing everywhere, too */
	uint64_t args[RECORD_ARGS_MAX]; /* the numbers in parentheses, in order */
	/* Few events have the following. In other events it is undefined. */
	uint64_t statm[LM_TRACE_STATM_FIELDS]; /* in pages; if has_statm */
	uint64_t counts[LM_CALL_COUNT];        /* INIT, FINI: calls so far */
};

/* The size of the part that all events have. */
#define RECORD_EVENT_COMMON offsetof(struct event, statm)

struct record_module {
	uint64_t from;
	uint64_t to;
	uint64_t offset;
	const char *build_id; /* hexadecimal digits; NULL if there is none */
	size_t build_id_len;
	const char *stamp; /* of a file without build-id: size@seconds.nanoseconds; NULL if it is not known */
	size_t stamp_len;
	const char *path; /* as it is written, \ooo included */
	size_t path_len;
};

/* A node of the tree of backtraces, by the numbers of the trace. */
struct record_node {
	uint64_t number;
	uint64_t caller; /* the caller's node; 0 if there is none */
	uint64_t frame;
};

/* Backtrace N is one frame with the return address FROM + N * STEP. */
struct record_callers {
	uint64_t from, step;
};

struct record {
	enum record_kind kind;
	enum record_info info;
	struct event event;
	struct record_module module;
	struct record_node node;
	struct record_callers callers;
	uint64_t number;  /* INFO_PID, _FORKED, _BEGAN, _TIME, _BACKTRACE, _FRAME, _LOST, _THREAD, _LIMIT, _GUESSED,
	                     _KILLED, _BEFORE, _REACHED */
	uint64_t tid;     /* INFO_THREAD: the kernel's number */
	const char *text; /* the rest of an information line, or a whole frame */
	size_t len;
	const char *fault; /* what is wrong with the line; NULL if nothing */
};

/* Returns 0, or -EINVAL with RECORD's fault set. Pointers in RECORD point into TEXT. */
int parse_record(const char *text, size_t len, struct record *record);

struct cursor;

/* Takes the next address of an UNREACHABLE line. False if there is none. */
bool parse_block(struct cursor *c, uint64_t *address);

/* The name of the function as it is written in traces. */
const char *parse_call_name(enum lm_call call);

/* What a block is asked for by, and what it is released by, as they are written in traces. */
const char *parse_way_asked(enum lm_way way);
const char *parse_way_released(enum lm_way way);

/* Is the event, of which the call is about to be made, a release by another way than the block was asked for by? */
static inline bool parse_is_mismatch(const struct event *event)
{
	return event->release != event->asked;
}

/* Is the call one that only releases a block? */
static inline bool parse_is_free(enum lm_call call)
{
	return call == LM_CALL_FREE || call == LM_CALL_FREE_SIZED || call == LM_CALL_FREE_ALIGNED_SIZED;
}

/* Does the call release a block and allocate another? */
static inline bool parse_is_realloc(enum lm_call call)
{
	return call == LM_CALL_REALLOC || call == LM_CALL_REALLOCARRAY;
}

#endif
