/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes the traces of chips out of a dump of their memory (src/format/ram.h). A dump is made by a debugger or by a
 * handler of crashes, and contains anything. Nothing in it is believed before it was checked.
 */
#ifndef LM_READER_DUMP_H
#define LM_READER_DUMP_H

#include "diag.h"

#include <stddef.h>

/* What was found: a trace, or several ones behind each other, tables of what is live first. */
struct dump {
	char *text; /* to be freed */
	size_t len;
	unsigned buffers; /* so many traces */
};

/*
 * Takes all traces out of the LEN bytes at BYTES. DIAG is told of what looks like one and can't be used, by the NAME of
 * the dump. 0 or -ENOMEM.
 */
int dump_extract(struct dump *dump, const unsigned char *bytes, size_t len, const char *name, const struct diag *diag);

/* The same for the file at PATH, or standard input if it is "-". 0 or -errno. */
int dump_read(struct dump *dump, const char *path, const struct diag *diag);

#endif
