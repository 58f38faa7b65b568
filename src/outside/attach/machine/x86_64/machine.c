/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See machine.h. */
#include "machine.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/uio.h>

const bool machine_is_known = true;
const unsigned char machine_syscall[MACHINE_SYSCALL_MAX] = {0x0f, 0x05};
const size_t machine_syscall_size = 2;

/* NT_PRFPREG is a part of the other one, for old processors. */
const int machine_more_registers[] = {NT_PRFPREG, NT_X86_XSTATE, 0};

uint64_t machine_pc(const struct stop_registers *registers)
{
	return registers->words64[RIP];
}

uint64_t machine_sp(const struct stop_registers *registers)
{
	return registers->words64[RSP];
}

uint64_t machine_result(const struct stop_registers *registers)
{
	return registers->words64[RAX];
}

/* The kernel has put the number of the system call there already. */
uint64_t machine_returned(const struct stop_registers *registers)
{
	return registers->words64[ORIG_RAX];
}

uint64_t machine_code_address(uint64_t address)
{
	return address;
}

bool machine_is_in_syscall(const struct stop_registers *registers)
{
	return (int64_t)registers->words64[ORIG_RAX] >= 0;
}

static const int argument_registers[MACHINE_ARGUMENTS] = {RDI, RSI, RDX, RCX, R8, R9};

static void set_arguments(struct stop_registers *registers, const struct machine_call *call)
{
	for (int i = 0; i < MACHINE_ARGUMENTS; i++)
		registers->words64[argument_registers[i]] = call->arguments[i];
	registers->words64[RIP] = call->at;
	/* The kernel does not begin an interrupted call again. */
	registers->words64[ORIG_RAX] = (uint64_t)-1;
}

void machine_set_syscall(struct stop_registers *registers, const struct machine_call *call)
{
	set_arguments(registers, call);
	registers->words64[R10] = call->arguments[3];
	registers->words64[RAX] = call->number;
}

void machine_set_function(struct stop_registers *registers, const struct machine_call *call)
{
	/* The direction flag has to be clear at a call. The trap flag is a debugger's. */
	static const uint64_t direction = 1 << 10, trap = 1 << 8;

	set_arguments(registers, call);
	/* For functions with variable arguments: none of them is a floating-point number. */
	registers->words64[RAX] = 0;
	registers->words64[RSP] = call->stack - sizeof(uint64_t);
	registers->words64[EFLAGS] &= ~(direction | trap);
}

bool machine_return_is_on_stack(void)
{
	return true;
}

uint64_t machine_sp_returned(const struct machine_call *call)
{
	return call->stack;
}

int machine_skip_syscall(pid_t tid, struct stop_registers *registers)
{
	struct iovec from = {registers->bytes, registers->size};

	registers->words64[ORIG_RAX] = (uint64_t)-1;
	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &from) == 0 ? 0 : -errno;
}

size_t machine_dwarf(const struct stop_registers *registers, uint64_t words[MACHINE_DWARF_MAX])
{
	static const int order[] = {RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP};
	enum { COUNT = sizeof order / sizeof *order };

	for (size_t i = 0; i < COUNT; i++)
		words[i] = registers->words64[order[i]];
	return COUNT;
}

/* call rel32, and the calls through a register or memory, of two to seven bytes, with a prefix or without. */
bool machine_ends_with_call(const unsigned char *code, size_t size)
{
	static const size_t lengths[] = {2, 3, 4, 6, 7};
	const unsigned char *end = code + size;

	if (size >= 5 && end[-5] == 0xe8)
		return true;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		size_t length = lengths[i];

		if (size >= length && end[-(ptrdiff_t)length] == 0xff && (end[1 - (ptrdiff_t)length] & 0x38) == 0x10)
			return true;
	}
	return false;
}

bool machine_is_jump_slot(uint32_t type)
{
	return type == R_X86_64_JUMP_SLOT;
}

bool machine_is_address(uint32_t type)
{
	return type == R_X86_64_GLOB_DAT || type == R_X86_64_64;
}
