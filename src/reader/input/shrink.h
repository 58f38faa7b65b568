/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mapped file that somebody cuts while it is read: what is gone reads as
 * zeros, and the reader is told, where the kernel would end it by SIGBUS.
 * For one thread.
 */
#ifndef LM_READER_SHRINK_H
#define LM_READER_SHRINK_H

#include <signal.h>
#include <stddef.h>

struct shrink {
	char *data;
	size_t len;
	volatile size_t left; /* bytes at the front that can be read: LEN, unless the file became shorter */
	struct shrink *next;
};

/* From here on, the LEN mapped bytes of DATA can be read whatever happens to their file. SHRINK stays where it is. */
void shrink_watch(struct shrink *shrink, char *data, size_t len);

/* Before they are unmapped. Nothing if they are not watched. */
void shrink_forget(struct shrink *shrink);

#endif
