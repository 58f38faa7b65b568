/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See machine.h. The kernel sets up the repetition of an interrupted system call before a debugger sees the thread: pc
 * is at the instruction svc and x0 as it was. So whatever was interrupted begins anew when these registers come back. A
 * call with a relative time, such as nanosleep(), waits for all of that time again.
 */
#include "machine.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* Of struct user_pt_regs. */
enum { X0 = 0, X8 = 8, LINK = 30, SP = 31, PC = 32, STATE = 33 };

#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif
#ifndef NT_ARM_SVE
#define NT_ARM_SVE 0x405
#endif

const bool machine_is_known = true;
/* svc #0 */
const unsigned char machine_syscall[MACHINE_SYSCALL_MAX] = {0x01, 0x00, 0x00, 0xd4};
const size_t machine_syscall_size = 4;
const int machine_more_registers[] = {NT_PRFPREG, NT_ARM_SVE, 0};

uint64_t machine_pc(const struct stop_registers *registers)
{
	return registers->words64[PC];
}

uint64_t machine_sp(const struct stop_registers *registers)
{
	return registers->words64[SP];
}

uint64_t machine_result(const struct stop_registers *registers)
{
	return registers->words64[X0];
}

uint64_t machine_returned(const struct stop_registers *registers)
{
	return registers->words64[X0];
}

/* The instruction xpaclri does nothing where there are no signatures. The kernel is the same for both processes. */
uint64_t machine_code_address(uint64_t address)
{
	register uint64_t link __asm__("x30") = address;

	__asm__("hint 7" : "+r"(link));
	return link;
}

/* Nothing in the registers tells it. */
bool machine_is_in_syscall(const struct stop_registers *registers)
{
	(void)registers;
	return false;
}

static void set_arguments(struct stop_registers *registers, const struct machine_call *call)
{
	/* The bits of "branch target identification" belong to the instruction that was interrupted. */
	static const uint64_t branch_type = 3 << 10;

	for (int i = 0; i < MACHINE_ARGUMENTS; i++)
		registers->words64[X0 + i] = call->arguments[i];
	registers->words64[PC] = call->at;
	registers->words64[STATE] &= ~branch_type;
}

void machine_set_syscall(struct stop_registers *registers, const struct machine_call *call)
{
	set_arguments(registers, call);
	registers->words64[X8] = call->number;
}

void machine_set_function(struct stop_registers *registers, const struct machine_call *call)
{
	set_arguments(registers, call);
	/* Where a function puts a structure that it returns. On other processors, that is the first argument. */
	registers->words64[X8] = call->arguments[0];
	registers->words64[SP] = call->stack;
	registers->words64[LINK] = call->return_to;
}

bool machine_return_is_on_stack(void)
{
	return false;
}

uint64_t machine_sp_returned(const struct machine_call *call)
{
	return call->stack;
}

int machine_skip_syscall(pid_t tid, struct stop_registers *registers)
{
	int number = -1;
	struct iovec from = {&number, sizeof number};

	(void)registers;
	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &from) == 0 ? 0 : -errno;
}

/* x0 to x30, and sp. In the middle of a function's first or last instructions, x30 can be signed. */
size_t machine_dwarf(const struct stop_registers *registers, uint64_t words[MACHINE_DWARF_MAX])
{
	memcpy(words, registers->words64, (SP + 1) * sizeof *words);
	words[LINK] = machine_code_address(words[LINK]);
	return SP + 1;
}

/* bl, and blr with its variants that authenticate the pointer. */
bool machine_ends_with_call(const unsigned char *code, size_t size)
{
	uint32_t instruction;

	if (size < sizeof instruction)
		return false;
	memcpy(&instruction, code + size - sizeof instruction, sizeof instruction);
	return (instruction & 0xfc000000) == 0x94000000 || (instruction & 0xfefff000) == 0xd63f0000;
}

bool machine_is_jump_slot(uint32_t type)
{
	return type == R_AARCH64_JUMP_SLOT;
}

bool machine_is_address(uint32_t type)
{
	return type == R_AARCH64_GLOB_DAT || type == R_AARCH64_ABS64;
}
