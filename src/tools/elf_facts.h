/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the ELF headers of a program say about tracing it. Nothing is run. */
#ifndef LM_ELF_FACTS_H
#define LM_ELF_FACTS_H

#include <limits.h>
#include <stdbool.h>

struct elf_facts {
	bool is_elf;
	unsigned char class, data;
	unsigned machine;
	char interp[PATH_MAX]; /* the loader; empty: none */
	char needed[64];       /* the C library that it needs; empty: none */
	bool linked;           /* the tracker is linked in, as its note says */
	bool asan;             /* built with AddressSanitizer */
};

/* Reads the file that is open as FD. What can't be read counts as no ELF file. */
void elf_facts_read(int fd, struct elf_facts *facts);

enum elf_libc { ELF_LIBC_UNKNOWN, ELF_LIBC_GNU, ELF_LIBC_MUSL };

/* The C library of a program, by its loader; of a library, by what it needs. */
enum elf_libc elf_facts_libc(const struct elf_facts *facts);

#endif
