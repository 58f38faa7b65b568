/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a sampled trace with a limit goes on in a new file, that one gets the trace's name. */
#ifndef LM_READER_NEXT_FILE_H
#define LM_READER_NEXT_FILE_H

/*
 * FD is open on a trace that was called NAME. If it says that it goes on in a newer file, and another file has the name
 * now, opens that one: its descriptor. -1: it does not go on, or not yet.
 */
int next_file_open(int fd, const char *name);

#endif
