/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See not_trace.h. */
#include "not_trace.h"
#include "journal.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The type of the ELF file whose first bytes are HEAD; ET_NONE if they are of something else. */
static unsigned elf_type(const unsigned char *head, size_t len)
{
	/* It lies at the same place in files of 32 and 64 bits. */
	const size_t at = offsetof(Elf64_Ehdr, e_type);

	if (len < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0)
		return ET_NONE;
	/* Most are programs. */
	if (len < at + 2)
		return ET_DYN;
	return head[EI_DATA] == ELFDATA2MSB ? (unsigned)head[at] << 8 | head[at + 1]
	                                    : (unsigned)head[at + 1] << 8 | head[at];
}

static int is_journal(const unsigned char *head, size_t len)
{
	struct lm_journal_header header = {0};

	if (len < sizeof header.magic)
		return 0;
	memcpy(&header.magic, head, sizeof header.magic);
	lm_journal_header_turn(&header);
	return header.magic == LM_JOURNAL_MAGIC;
}

const char *not_trace_find(const struct source *source)
{
	static const char perf[] = "PERFILE2";
	unsigned char head[64];
	ssize_t len = pread(source->fd, head, sizeof head, 0);

	/* Of a pipe, only its first bytes are known. */
	if (len < 0) {
		len = (ssize_t)source->first_len;
		memcpy(head, source->first, source->first_len);
	}
	switch (elf_type(head, (size_t)len)) {
	case ET_EXEC:
	case ET_DYN:
		return "this is a program or a library, not a trace: run it with log-malloc, which writes one";
	case ET_REL:
		return "this is an object file, not a trace";
	case ET_CORE:
		return "this is a core file, not a trace: it does not tell who allocated what";
	default:
		break;
	}
	if ((size_t)len >= UNPACK_MAGIC &&
	    memcmp(head, perf, (size_t)len < strlen(perf) ? (size_t)len : strlen(perf)) == 0)
		return "this is a recording of perf, not a trace";
	if (is_journal(head, (size_t)len))
		return "this is the journal of a trace: give the trace, its name is the same without .journal";
	return NULL;
}
