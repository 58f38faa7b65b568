/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See leave.h. */
#include "leave.h"

#include <errno.h>
#include <unistd.h>

#include "real.h"
#include "session.h"
#include "sys.h"

void lm_exit(int status)
{
	lm_session_end(1);
	lm_real_exit(status);
}

/* Exec returned, so it failed. */
static int failed(int result)
{
	int error = errno;

	lm_session_exec_failed();
	errno = error;
	return result;
}

int lm_execve(const char *path, char *const argv[], char *const envp[])
{
	lm_session_before_exec();
	return failed(lm_real_execve(path, argv, envp));
}

int lm_execvpe(const char *file, char *const argv[], char *const envp[])
{
	lm_session_before_exec();
	return failed(lm_real_execvpe(file, argv, envp));
}

int lm_fexecve(int fd, char *const argv[], char *const envp[])
{
	lm_session_before_exec();
	return failed(lm_real_fexecve(fd, argv, envp));
}

int lm_execv(const char *path, char *const argv[])
{
	return lm_execve(path, argv, environ);
}

int lm_execvp(const char *file, char *const argv[])
{
	return lm_execvpe(file, argv, environ);
}

/* By system call, since not every libc has execveat(). */
int lm_execveat(int directory, const char *path, char *const argv[], char *const envp[], int flags)
{
	long result;

	lm_session_before_exec();
	result = lm_sys(SYS_execveat, directory, path, argv, envp, flags);
	errno = (int)-result;
	return failed(-1);
}

int lm_exec_list(int (*run)(const char *, char *const[], char *const[]), int has_environment, const char *path,
                 const char *first, va_list args)
{
	size_t count = 1;
	va_list counted;

	va_copy(counted, args);
	for (const char *arg = first; arg; arg = va_arg(counted, const char *))
		count++;
	va_end(counted);
	{
		/* On the stack, as libc does it: a child of vfork must not allocate. */
		char **argv = __builtin_alloca(count * sizeof *argv), *const *envp = environ;

		argv[0] = (char *)first;
		for (size_t i = 1; i < count; i++)
			argv[i] = va_arg(args, char *);
		if (has_environment)
			envp = va_arg(args, char *const *);
		return run(path, argv, envp);
	}
}
