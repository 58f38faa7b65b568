/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of the reader. The reader never prints: it calls a function that the
 * tool sets. Each message is about one place in one file.
 */
#ifndef LM_READER_DIAG_H
#define LM_READER_DIAG_H

#include <stdint.h>

struct diag {
	/* LINE is 0 where the message is about the whole FILE. MESSAGE ends without a newline. */
	void (*report)(void *context, const char *file, uint64_t line, const char *message);
	void *context;
};

/* Does nothing if DIAG is NULL or has no callback. */
void diag_report(const struct diag *diag, const char *file, uint64_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
