/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allows itself little more than to read, write and allocate, by seccomp, and
 * goes on allocating; what else is asked of the kernel fails with EPERM:
 *
 *     filtered BEFORE AFTER       so many blocks before that, and after it
 *
 * Exits with 3 if the kernel has no such filters.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int restrict_calls(void)
{
	static const int allowed[] = {SYS_read, SYS_write, SYS_mmap,     SYS_munmap,    SYS_mremap,
	                              SYS_brk,  SYS_futex, SYS_mprotect, SYS_exit_group};
	enum { COUNT = sizeof allowed / sizeof *allowed };
	struct sock_filter filter[COUNT + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	const struct sock_fprog program = {COUNT + 3, filter};

	for (int i = 0; i < COUNT; i++)
		filter[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i],
		                                             (unsigned char)(COUNT - i), 0);
	filter[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	filter[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void allocate(int blocks)
{
	for (int i = 0; i < blocks; i++)
		free(malloc(100 + (size_t)i));
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	allocate(atoi(argv[1]));
	if (restrict_calls() != 0)
		return 3;
	allocate(atoi(argv[2]));
	return write(STDOUT_FILENO, "done\n", 5) == 5 ? 0 : 1;
}
