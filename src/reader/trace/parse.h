/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line of a trace -> what it says, by the grammar of log-malloc2(5). Pure:
 * it allocates nothing and keeps nothing.
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
	RECORD_FRAME, /* not '+' and not '#'; frame_parse() tells what it is worth */
	RECORD_BLANK, /* an empty line, or the tracker's banner where standard error is in the trace */
};

enum record_info {
	INFO_PID,
	INFO_FORKED,
	INFO_EXE,
	INFO_CWD,
	INFO_FORMAT,
	INFO_MODULE,
	INFO_TIME,
	INFO_BACKTRACE,
	INFO_FILE,
	INFO_LOST,
	INFO_OTHER,
};

enum { RECORD_ARGS_MAX = 4 };

/* A call, INIT or FINI. Sizes in bytes; a null pointer is 0. */
struct event {
	enum lm_call call;
	int64_t change;     /* what the call added to the requested bytes in use */
	uint64_t pointer;   /* what was returned, or what was freed */
	uint64_t old;       /* realloc, reallocarray: the pointer that went in; else 0 */
	uint64_t size;      /* requested size of the block that pointer names */
	int64_t used;       /* U: requested bytes in use after the call */
	int64_t usable;     /* R: their malloc_usable_size */
	uint64_t backtrace; /* compact format: its number */
	unsigned arg_count;
	unsigned error; /* errno of a call that failed, 0 if it did not or its errno is not known */
	bool failed;
	bool foreign; /* what went in was never seen allocated */
	bool busy;    /* the tracker was at work on this thread: no backtrace */
	bool unseen;  /* a release that the tracker had to conclude */
	bool has_backtrace;
	bool has_statm;
	uint64_t args[RECORD_ARGS_MAX]; /* the numbers in parentheses, in their order */
	/* From here on, what few events have: undefined in the others. */
	uint64_t statm[LM_TRACE_STATM_FIELDS]; /* in pages; if has_statm */
	uint64_t counts[LM_CALL_COUNT];        /* INIT, FINI: calls until now */
};

/* The part of an event that is always there. */
#define RECORD_EVENT_COMMON offsetof(struct event, statm)

struct record_module {
	uint64_t from;
	uint64_t to;
	uint64_t offset;
	const char *build_id; /* hexadecimal digits; NULL if there is none */
	size_t build_id_len;
	const char *path; /* with its \ooo */
	size_t path_len;
};

struct record {
	enum record_kind kind;
	enum record_info info;
	struct event event;
	struct record_module module;
	uint64_t number;  /* INFO_PID, _FORKED, _TIME, _BACKTRACE, _LOST */
	const char *text; /* the rest of an information line, or a whole frame */
	size_t len;
	const char *fault; /* what is wrong with the line, if it could not be read */
};

/* 0, or -EINVAL and the fault. Pointers in RECORD point into TEXT. */
int parse_record(const char *text, size_t len, struct record *record);

/* So many bytes have to be readable for parse_common(), wherever the line ends. */
enum { PARSE_COMMON_MAX = 192 };

/*
 * The lines that a trace consists of, by the same grammar: malloc, free, realloc
 * and calloc that went well, with nothing behind them but the number of a
 * backtrace. The length of the line with its newline; 0 if parse_record() has to
 * tell what it is: EVENT is undefined then.
 */
size_t parse_common(const char *text, struct event *event);

/* The function's name as the trace writes it. */
const char *parse_call_name(enum lm_call call);

/* Does the call release a block and allocate none? */
static inline bool parse_is_free(enum lm_call call)
{
	return call == LM_CALL_FREE || call == LM_CALL_FREE_SIZED || call == LM_CALL_FREE_ALIGNED_SIZED;
}

/* Does the call take a block in and give one back? */
static inline bool parse_is_realloc(enum lm_call call)
{
	return call == LM_CALL_REALLOC || call == LM_CALL_REALLOCARRAY;
}

#endif
