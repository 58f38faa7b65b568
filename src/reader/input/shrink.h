/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protects the reading of a mapped file that somebody may cut meanwhile. Without
 * this the kernel would end the reader by SIGBUS. With it, the part that is gone
 * reads as zeros, and the reader can see that. For one thread.
 */
#ifndef LM_READER_SHRINK_H
#define LM_READER_SHRINK_H

#include <signal.h>
#include <stddef.h>

struct shrink {
	char *data;
	size_t len;
	volatile size_t left; /* bytes at the front that are still the file's; LEN unless it became shorter */
	struct shrink *next;
};

/* Protects the LEN mapped bytes of DATA from now on. SHRINK has to stay where it is. */
void shrink_watch(struct shrink *shrink, char *data, size_t len);

/* To be called before the bytes are unmapped. Does nothing if they are not protected. */
void shrink_forget(struct shrink *shrink);

#endif
