/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The words of the trace's grammar, shared by the writer (src/core) and the
 * readers (src/reader). log-malloc2(5) explains them. Only names and limits:
 * including it pulls in no code and no other header.
 */
#ifndef LM_TRACE_FORMAT_H
#define LM_TRACE_FORMAT_H

/* The descriptor that a trace goes to, if it is open when a process starts. */
#define LM_TRACE_FD 1022

/*
 * The process that owns a trace holds a POSIX write lock on these bytes of it.
 * The lock is kept over exec and not inherited by a child of fork. The position
 * fits into a 32-bit off_t, and is far from where other programs would lock.
 */
#define LM_TRACE_LOCK_START 0x7ffffffe
#define LM_TRACE_LOCK_LEN   1

/*
 * Every function whose calls are events, X(identifier, "word"), in the order in
 * which INIT and FINI count them. INIT and FINI are not calls, so they are not in
 * the list.
 */
#define LM_TRACE_CALLS(X)                                                                                              \
	X(MALLOC, "malloc")                                                                                            \
	X(CALLOC, "calloc")                                                                                            \
	X(REALLOC, "realloc")                                                                                          \
	X(MEMALIGN, "memalign")                                                                                        \
	X(POSIX_MEMALIGN, "posix_memalign")                                                                            \
	X(VALLOC, "valloc")                                                                                            \
	X(FREE, "free")                                                                                                \
	X(REALLOCARRAY, "reallocarray")                                                                                \
	X(ALIGNED_ALLOC, "aligned_alloc")                                                                              \
	X(PVALLOC, "pvalloc")                                                                                          \
	X(FREE_SIZED, "free_sized")                                                                                    \
	X(FREE_ALIGNED_SIZED, "free_aligned_sized")

#define LM_TRACE_CALL_ENUM(id, word) LM_CALL_##id,
enum lm_call { LM_TRACE_CALLS(LM_TRACE_CALL_ENUM) LM_CALL_COUNT };
#undef LM_TRACE_CALL_ENUM

/*
 * What a program asks for a block by, and what it releases it by: X(identifier, "asked by", "released by"). One goes
 * with the other. The first line stands for all functions of C. "aligned" ones take a std::align_val_t.
 */
#define LM_TRACE_WAYS(X)                                                                                               \
	X(C, "malloc", "free")                                                                                         \
	X(NEW, "new", "delete")                                                                                        \
	X(NEW_ARRAY, "new[]", "delete[]")                                                                              \
	X(ALIGNED_NEW, "aligned-new", "aligned-delete")                                                                \
	X(ALIGNED_NEW_ARRAY, "aligned-new[]", "aligned-delete[]")

#define LM_TRACE_WAY_ENUM(id, asked, released) LM_WAY_##id,
enum lm_way { LM_TRACE_WAYS(LM_TRACE_WAY_ENUM) LM_WAY_COUNT };
#undef LM_TRACE_WAY_ENUM

/* The formats, X(identifier, "word"). */
#define LM_TRACE_FORMATS(X) X(FULL, "full") X(COMPACT, "compact") X(PACKED, "packed")

#define LM_TRACE_FORMAT_ENUM(id, word) LM_FORMAT_##id,
enum lm_format { LM_TRACE_FORMATS(LM_TRACE_FORMAT_ENUM) LM_FORMAT_COUNT };
#undef LM_TRACE_FORMAT_ENUM

/* The flavours, X(identifier, "word"): how the tracker got into the process. */
#define LM_TRACE_FLAVOURS(X)                                                                                           \
	X(PRELOAD, "preload")                                                                                          \
	X(ATTACHED, "attached")                                                                                        \
	X(DLOPEN, "dlopen")                                                                                            \
	X(WRAP_DYNAMIC, "wrap-dynamic")                                                                                \
	X(WRAP_STATIC, "wrap-static")                                                                                  \
	X(EMBEDDED, "embedded")

#define LM_TRACE_FLAVOUR_ENUM(id, word) LM_FLAVOUR_##id,
enum lm_flavour { LM_TRACE_FLAVOURS(LM_TRACE_FLAVOUR_ENUM) LM_FLAVOUR_COUNT };
#undef LM_TRACE_FLAVOUR_ENUM

#define LM_TRACE_INIT "INIT"
#define LM_TRACE_FINI "FINI"
#define LM_TRACE_NIL  "(nil)"

/* Markers and annotations at the end of an event's line. */
#define LM_TRACE_FOREIGN " !f"    /* the tracker did not see the block's allocation */
#define LM_TRACE_ERRNO   " !e"    /* the call failed; the errno follows */
#define LM_TRACE_BUSY    "!"      /* the call interrupted the tracker, at work on this thread */
#define LM_TRACE_BT      "bt"     /* annotation of the compact format: a backtrace's number */
#define LM_TRACE_BY      "thread" /* annotation: the number of the thread that made the call */
#define LM_TRACE_UNSEEN  "unseen" /* annotation: a release that the tracker concluded and did not see */
#define LM_TRACE_UNKEPT  "unkept" /* annotation: there was no memory to keep the block's size */
#define LM_TRACE_RELEASE "by"     /* annotation of a mismatch: what the block is released by, a word of LM_TRACE_WAYS */
#define LM_TRACE_ASKED   "of"     /* annotation of a mismatch: what it was asked for by */
#define LM_TRACE_RELEASED                                                                                              \
	"released"               /* annotation of the packed format: the same of the block that a realloc released */
#define LM_TRACE_USABLE "usable" /* annotation of the packed format: the block's malloc_usable_size() */

/* Information lines, without the leading "# ". */
#define LM_TRACE_PID       "PID"
#define LM_TRACE_PROCESS   "PROCESS"
#define LM_TRACE_RUN       "RUN" /* the command that log-malloc -f started: PID and PROCESS */
#define LM_TRACE_FORKED    "FORKED"
#define LM_TRACE_EXE       "EXE"
#define LM_TRACE_CWD       "CWD"
#define LM_TRACE_BEGAN     "BEGAN"
#define LM_TRACE_FLAVOUR   "FLAVOUR"
#define LM_TRACE_FORMAT    "FORMAT"
#define LM_TRACE_MODULE    "MODULE"
#define LM_TRACE_TIME      "TIME"
#define LM_TRACE_MARK      "MARK"
#define LM_TRACE_BACKTRACE "BACKTRACE"
#define LM_TRACE_FRAME     "FRAME"
#define LM_TRACE_NODE      "NODE"
#define LM_TRACE_CALLERS   "CALLERS"
#define LM_TRACE_LIVE      "LIVE"
#define LM_TRACE_GUESSED   "GUESSED"
#define LM_TRACE_THREAD    "THREAD"
#define LM_TRACE_FILE      "FILE"
#define LM_TRACE_LOST      "LOST"
#define LM_TRACE_LIMIT     "LIMIT"
#define LM_TRACE_CALLING   "CALLING"
#define LM_TRACE_KILLED    "KILLED"
#define LM_TRACE_TITLE     "TITLE"
#define LM_TRACE_TRIGGER   "TRIGGER"
#define LM_TRACE_MISMATCH  "MISMATCH"
#define LM_TRACE_BEFORE    "BEFORE"
#define LM_TRACE_DETACHED  "DETACHED"
#define LM_TRACE_SAMPLE    "SAMPLE" /* the mean distance of a sample, in requested bytes */
#define LM_TRACE_CONTINUED "CONTINUED"
/* Written by whoever looked into the process from outside, behind everything else. */
#define LM_TRACE_UNREACHABLE "UNREACHABLE"
#define LM_TRACE_REACHED_AT  "REACHED-AT"
#define LM_TRACE_INDIRECT    "indirect" /* in front of UNREACHABLE's addresses; without a word, nothing leads to them */
#define LM_TRACE_POSSIBLE    "possible"
#define LM_TRACE_PARTIAL     "partial" /* behind REACHED-AT's milliseconds */
#define LM_TRACE_BLOCKS      "blocks"  /* the same, an annotation: how many addresses the UNREACHABLE lines have */
#define LM_TRACE_MAPS        "/proc/self/maps"

#define LM_TRACE_STATM_FIELDS 7

/*
 * An extended attribute of the trace's file, for what the trace has no room to say.
 * "LOST ERROR": so many events are missing beside those of "# LOST" lines, with "+"
 * behind the number if that was not the last word; and the errno that ended the
 * trace for good, or 0.
 */
#define LM_TRACE_NOTE "user.log-malloc2.lost"

/* The name of the marks that LOG_MALLOC_MARK_SIGNAL makes. */
#define LM_TRACE_SIGNALLED "signal"

/* Limits. */
#define LM_BACKTRACE_DEPTH_MAX 128
/* How many older files of a trace can be kept. */
#define LM_TRACE_KEEP_MAX   999
#define LM_TRACE_PRINTF_MAX 1024
#define LM_TRACE_TITLE_MAX  100 /* the same of a process's title */
#define LM_TRACE_MARK_MAX   100 /* bytes of a mark's name, before bytes of it are escaped */

/* The signals that LOG_MALLOC_SIGNAL and LOG_MALLOC_MARK_SIGNAL can name, X(NAME): programs rarely need them, or ignore
 * them by default. */
#define LM_TOGGLE_SIGNALS(X) X(USR1) X(USR2) X(HUP) X(WINCH) X(URG) X(IO) X(PROF) X(ALRM) X(CHLD) X(CONT)

/* The beginning of the line that is printed on standard error when tracing begins. */
#define LM_TRACE_BANNER "*** log-malloc trace-"

#endif
