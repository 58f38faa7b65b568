/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What small libcs lack: dietlibc, and uClibc, which this was not tried with. The
 * Makefile has it included first in each of the core's sources where the compiler
 * is one of such a libc. No other libc sees it.
 */
#ifndef LM_LACKS_H
#define LM_LACKS_H

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- numbers of the kernel and of ELF ---- */

#ifndef CLOCK_MONOTONIC_COARSE
#define CLOCK_MONOTONIC_COARSE 6
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID 3
#endif
#ifndef STT_GNU_IFUNC
#define STT_GNU_IFUNC 10
#endif

/* ---- functions ---- */

/* Nothing of the environment counts in a process that gained privileges. */
static inline char *lm_lacks_secure_getenv(const char *name)
{
	return getauxval(AT_SECURE) ? NULL : getenv(name);
}
#define secure_getenv lm_lacks_secure_getenv

/* There is no quick_exit() that would have to tell of the end. */
static inline int lm_lacks_at_quick_exit(void (*function)(void))
{
	(void)function;
	return 0;
}
#define at_quick_exit lm_lacks_at_quick_exit

#ifdef __dietlibc__

/* The kernel wipes a page in children of fork, so they are noticed without a call. */
static inline int lm_lacks_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)prepare, (void)parent, (void)child;
	return 0;
}
#define pthread_atfork lm_lacks_pthread_atfork

/* It declares syscall(), and does not have it. The kernel's value, or -errno (raw.c). */
long lm_lacks_syscall(long number, ...) __attribute__((visibility("hidden")));

static inline long lm_lacks_result(long result)
{
	if ((unsigned long)result < (unsigned long)-4095)
		return result;
	errno = (int)-result;
	return -1;
}
#define syscall(...) lm_lacks_result(lm_lacks_syscall(__VA_ARGS__))

/* There is no loader that would have objects to tell of. */
struct link_map {
	unsigned long l_addr;
	char *l_name;
};

/* ---- names of the system calls that are made here ---- */

#define SYS_bind              __NR_bind
#define SYS_chdir             __NR_chdir
#define SYS_clone             __NR_clone
#define SYS_close             __NR_close
#define SYS_close_range       __NR_close_range
#define SYS_dup3              __NR_dup3
#define SYS_execveat          __NR_execveat
#define SYS_exit_group        __NR_exit_group
#define SYS_fallocate         __NR_fallocate
#define SYS_fchmod            __NR_fchmod
#define SYS_fcntl             __NR_fcntl
#define SYS_fgetxattr         __NR_fgetxattr
#define SYS_fremovexattr      __NR_fremovexattr
#define SYS_fsetxattr         __NR_fsetxattr
#define SYS_ftruncate         __NR_ftruncate
#define SYS_futex             __NR_futex
#define SYS_getcwd            __NR_getcwd
#define SYS_getpid            __NR_getpid
#define SYS_getppid           __NR_getppid
#define SYS_getrandom         __NR_getrandom
#define SYS_getsockopt        __NR_getsockopt
#define SYS_gettid            __NR_gettid
#define SYS_linkat            __NR_linkat
#define SYS_lseek             __NR_lseek
#define SYS_madvise           __NR_madvise
#define SYS_memfd_create      __NR_memfd_create
#define SYS_mprotect          __NR_mprotect
#define SYS_mremap            __NR_mremap
#define SYS_munlock           __NR_munlock
#define SYS_nanosleep         __NR_nanosleep
#define SYS_openat            __NR_openat
#define SYS_ppoll             __NR_ppoll
#define SYS_prctl             __NR_prctl
#define SYS_pread64           __NR_pread64
#define SYS_prlimit64         __NR_prlimit64
#define SYS_pwrite64          __NR_pwrite64
#define SYS_read              __NR_read
#define SYS_readlinkat        __NR_readlinkat
#define SYS_renameat2         __NR_renameat2
#define SYS_rt_sigpending     __NR_rt_sigpending
#define SYS_rt_sigprocmask    __NR_rt_sigprocmask
#define SYS_rt_sigreturn      __NR_rt_sigreturn
#define SYS_rt_sigtimedwait   __NR_rt_sigtimedwait
#define SYS_rt_tgsigqueueinfo __NR_rt_tgsigqueueinfo
#define SYS_sched_yield       __NR_sched_yield
#define SYS_set_robust_list   __NR_set_robust_list
#define SYS_setsid            __NR_setsid
#define SYS_socket            __NR_socket
#define SYS_sysinfo           __NR_sysinfo
#define SYS_tgkill            __NR_tgkill
#define SYS_tkill             __NR_tkill
#define SYS_unlinkat          __NR_unlinkat
#define SYS_waitid            __NR_waitid
#define SYS_write             __NR_write
#define SYS_writev            __NR_writev

#endif

#endif
