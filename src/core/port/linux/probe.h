/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Static probes, as systemtap's sys/sdt.h makes them: an instruction that does nothing, and a note in the object's file
 * that tells its address, its name, and where its arguments are. bpftrace, perf, gdb and eBPF profilers read such notes
 * and put a breakpoint there. As long as nobody does, a probe costs that instruction. Arguments are words, in
 * registers.
 */
#ifndef LM_PROBE_H
#define LM_PROBE_H

#include <stdint.h>

#if UINTPTR_MAX > UINT32_MAX
#define LM_PROBE_ADDRESS "\t.8byte "
#define LM_PROBE_WORD    "8@"
#else
#define LM_PROBE_ADDRESS "\t.4byte "
#define LM_PROBE_WORD    "4@"
#endif

/* With quotes, the type of a section is written in the same way on all machines. */
#define LM_PROBE_NOTES "\t.pushsection .note.stapsdt, \"\", \"note\"\n"
#define LM_PROBE_BASES "\t.pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"

/*
 * PROVIDER and NAME: string literals; ARGUMENTS: where they are. The note refers to a symbol by which readers notice
 * that the file was prelinked. LM_PROBE_BASE() defines it.
 */
#define LM_PROBE_NOTE(provider, name, arguments)                                                                       \
	"990:\tnop\n" LM_PROBE_NOTES "\t.balign 4\n"                                                                   \
	"\t.4byte 992f - 991f, 994f - 993f, 3\n"                                                                       \
	"991:\t.asciz \"stapsdt\"\n"                                                                                   \
	"992:\t.balign 4\n"                                                                                            \
	"993:" LM_PROBE_ADDRESS "990b, _.stapsdt.base, 0\n"                                                            \
	"\t.asciz \"" provider "\", \"" name "\", \"" arguments "\"\n"                                                 \
	"994:\t.balign 4\n"                                                                                            \
	"\t.popsection\n"                                                                                              \
	"\t.hidden _.stapsdt.base\n"

#define LM_PROBE_1(provider, name, a)                                                                                  \
	__asm__ volatile(LM_PROBE_NOTE(provider, name, LM_PROBE_WORD "%0") : : "r"((uintptr_t)(a)))

#define LM_PROBE_3(provider, name, a, b, c)                                                                            \
	__asm__ volatile(LM_PROBE_NOTE(provider, name, LM_PROBE_WORD "%0 " LM_PROBE_WORD "%1 " LM_PROBE_WORD "%2")     \
	                 :                                                                                             \
	                 : "r"((uintptr_t)(a)), "r"((uintptr_t)(b)), "r"((uintptr_t)(c)))

/*
 * Once for what is linked, in an object of its own that is not linked to a larger one before: other objects that have
 * probes, libc's among them, define the same symbol, in a group of which the linker keeps one.
 */
#define LM_PROBE_BASE()                                                                                                \
	__asm__(LM_PROBE_BASES "\t.weak _.stapsdt.base\n"                                                              \
	                       "\t.hidden _.stapsdt.base\n"                                                            \
	                       "_.stapsdt.base:\t.space 1\n"                                                           \
	                       "\t.size _.stapsdt.base, 1\n"                                                           \
	                       "\t.popsection\n")

#endif
