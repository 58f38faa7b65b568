/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Journals that are written by hand, as src/format/journal.h has them, beside a trace ./t; and what is read of both. A
 * test has one at a time.
 */
#ifndef LM_TESTS_JOURNALS_H
#define LM_TESTS_JOURNALS_H

#include "diag.h"
#include "journal.h"

#include <stddef.h>
#include <stdint.h>

/* What traces begin with, and records. */
#define FIRST_PACKED "# PID 4711\n# FORMAT packed\n+ INIT [0:0] malloc=0       \n"
#define FIRST        "# PID 4711\n# FORMAT full\n+ INIT [0:0] malloc=0\n"
#define ONE          "+ malloc 1 0x10 [1:24]\n/x(+0x1)[0x1]\n/x(+0x2)[0x2]\n"
#define TWO          "+ malloc 2 0x20 [3:48]\n/x(+0x1)[0x1]\n"
#define THREE        "+ malloc 3 0x30 [6:72]\n/x(+0x3)[0x3]\n"
#define FREE_1       "+ free -1 0x10 [5:48]\n"

/* The journal, and beside it what was recorded altogether, as far as it is in the trace or may come into it. */
struct journal_made {
	union {
		_Alignas(4096) unsigned char image[LM_JOURNAL_SIZE];
		struct lm_journal_header header;
	};
	char stream[2 * LM_JOURNAL_RING];
	uint64_t head;     /* where the stream ends */
	char before[1024]; /* in the trace, before the journal was begun */
	/* What was said when both were read: */
	unsigned messages;
	char last_message[512];
};

extern struct journal_made made;

/* Counts the messages, and keeps the last one. */
extern const struct diag journal_diag;

/* In the image. */
unsigned char *journal_ring(void);

/* The path of NAME, which lies beside the trace; it lasts until the next call. */
const char *journal_path(const char *name);

/* A journal that is begun when BASE stands in the trace. */
void journal_begin(const char *base);

/* Puts bytes into the ring, and not into the stream. */
void journal_store(uint64_t position, const void *bytes, size_t len);

/* Records RECORD. */
void journal_put(const char *record);

/* RECORD's place, of which all but the beginning is as it will be. */
void journal_put_pending(const char *record);

/* The process says that so much is in the trace: by then it is 0 in the ring. */
void journal_tell(uint64_t tail);

/* Writes ./t.journal, with holes where there is nothing. */
void journal_save_alone(void);

/* Writes it and the trace, which has what was there before and so much of the stream. */
void journal_save(uint64_t written);

/* The sizes and the backtraces' depths of the calls that are read, and what was said. */
const char *journal_calls(void);

/* The journal names the trace beside it: both are where the process made them. */
void journal_name_trace(void);

/* It names another file: both are copies. */
void journal_name_no_trace(void);

/* EXPECTED is what journal_calls() has to be, as copies. */
void journal_copies_read(const char *expected);

/* The same as copies, and where they were made. */
void journal_reads(const char *expected);

/* As copies, and a message has to have WHAT in it. */
void journal_copies_read_and_tell(const char *expected, const char *what);

/* The journal is of no use, and said to be; the trace is read without it. */
void journal_reads_without(const char *expected, const char *why);

#endif
