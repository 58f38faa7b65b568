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
	bool linked;           /* the tracker is linked in, as its note says */
	bool asan;             /* built with AddressSanitizer */
};

/* Reads the file that is open as FD. What can't be read counts as no ELF file. */
void elf_facts_read(int fd, struct elf_facts *facts);

#endif
