/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What differs between processors when a stopped thread is made to call a function. The Makefile chooses the folder.
 * Registers are those of PTRACE_GETREGSET with NT_PRSTATUS.
 */
#ifndef LM_OUTSIDE_MACHINE_H
#define LM_OUTSIDE_MACHINE_H

#include "stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* False: this processor is none of those that we know. Then nothing else here may be called. */
extern const bool machine_is_known;

/* The instruction that makes a system call. */
enum { MACHINE_SYSCALL_MAX = 4 };
extern const unsigned char machine_syscall[MACHINE_SYSCALL_MAX];
extern const size_t machine_syscall_size;

enum { MACHINE_ARGUMENTS = 6 };

struct machine_call {
	uint64_t at;     /* the function, or an instruction that makes a system call */
	uint64_t number; /* of the system call */
	uint64_t arguments[MACHINE_ARGUMENTS];
	uint64_t stack;     /* the end of the stack, a multiple of 16; not for a system call */
	uint64_t return_to; /* where the function returns to */
};

uint64_t machine_pc(const struct stop_registers *registers);
uint64_t machine_sp(const struct stop_registers *registers);
/* What a system call returned, at its end; what a function returned, at the entry of the system call behind it. */
uint64_t machine_result(const struct stop_registers *registers);
uint64_t machine_returned(const struct stop_registers *registers);

/* An address of code without the signature that the processor may have put into its upper bits. */
uint64_t machine_code_address(uint64_t address);

/* Was the thread stopped in a system call, which begins again when the thread goes on? */
bool machine_is_in_syscall(const struct stop_registers *registers);

/* Changes REGISTERS so that the thread makes a system call; so that it calls a function, and nothing begins again. */
void machine_set_syscall(struct stop_registers *registers, const struct machine_call *call);
void machine_set_function(struct stop_registers *registers, const struct machine_call *call);

/*
 * The word that a function finds at its return address's place on the stack, if that is where the processor has it.
 * False if it has a register for it.
 */
bool machine_return_is_on_stack(void);

/* The stack pointer when a function has returned that was called by machine_set_function(). */
uint64_t machine_sp_returned(const struct machine_call *call);

/* Lets thread TID, stopped at the entry of a system call, make none. 0 or -errno. */
int machine_skip_syscall(pid_t tid, struct stop_registers *registers);

/* The registers beside the general ones: note types of PTRACE_GETREGSET, all or as many as the kernel knows; 0 ends. */
extern const int machine_more_registers[];

/* The registers as DWARF numbers them, without pc. Returns how many. */
enum { MACHINE_DWARF_MAX = 33 };
size_t machine_dwarf(const struct stop_registers *registers, uint64_t words[MACHINE_DWARF_MAX]);

/* Do the bytes of a call instruction end at the end of the SIZE bytes CODE? */
bool machine_ends_with_call(const unsigned char *code, size_t size);

/* Kinds of relocations that hold a function's address: in a table for calls that may be resolved lazily; elsewhere. */
bool machine_is_jump_slot(uint32_t type);
bool machine_is_address(uint32_t type);

#endif
