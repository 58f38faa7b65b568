/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See machine.h: a processor for which nobody has written this yet. */
#include "machine.h"

#include <errno.h>

const bool machine_is_known = false;
const unsigned char machine_syscall[MACHINE_SYSCALL_MAX];
const size_t machine_syscall_size = 1;
const int machine_more_registers[] = {0};

uint64_t machine_pc(const struct stop_registers *registers)
{
	(void)registers;
	return 0;
}

uint64_t machine_sp(const struct stop_registers *registers)
{
	(void)registers;
	return 0;
}

uint64_t machine_result(const struct stop_registers *registers)
{
	(void)registers;
	return 0;
}

uint64_t machine_returned(const struct stop_registers *registers)
{
	(void)registers;
	return 0;
}

uint64_t machine_code_address(uint64_t address)
{
	return address;
}

bool machine_is_in_syscall(const struct stop_registers *registers)
{
	(void)registers;
	return false;
}

void machine_set_syscall(struct stop_registers *registers, const struct machine_call *call)
{
	(void)registers;
	(void)call;
}

void machine_set_function(struct stop_registers *registers, const struct machine_call *call)
{
	(void)registers;
	(void)call;
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
	(void)tid;
	(void)registers;
	return -ENOSYS;
}

size_t machine_dwarf(const struct stop_registers *registers, uint64_t words[MACHINE_DWARF_MAX])
{
	(void)registers;
	(void)words;
	return 0;
}

bool machine_ends_with_call(const unsigned char *code, size_t size)
{
	(void)code;
	(void)size;
	return false;
}

bool machine_is_jump_slot(uint32_t type)
{
	(void)type;
	return false;
}

bool machine_is_address(uint32_t type)
{
	(void)type;
	return false;
}
