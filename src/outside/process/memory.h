/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of another process, which has to be stopped if what is read shall fit together. */
#ifndef LM_OUTSIDE_MEMORY_H
#define LM_OUTSIDE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads up to SIZE bytes at ADDRESS. How many could be read from there on, which is 0 if nothing is mapped. */
size_t memory_read(pid_t pid, uint64_t address, void *to, size_t size);

/* Reads a string of less than SIZE bytes. 0; -EFAULT, or -ENAMETOOLONG if it has no end. */
int memory_read_string(pid_t pid, uint64_t address, char *to, size_t size);

/*
 * Writes SIZE bytes at ADDRESS, into memory too that the process may not write to (relocations that are read-only by
 * now). We must have attached to the process. 0 or -errno.
 */
int memory_write(pid_t pid, uint64_t address, const void *from, size_t size);

/* The same in two steps, for many writes: a descriptor or -errno; and a write to it. */
int memory_open(pid_t pid);
int memory_put(int fd, uint64_t address, const void *from, size_t size);

#endif
