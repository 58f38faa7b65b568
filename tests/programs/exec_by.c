/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaks 1000 blocks of 3301 bytes, fails to execute what is not there, leaks 10 of
 * 5503 bytes, and executes itself by FUNCTION. That leaks 100 blocks of 4405 bytes,
 * and ends with status 9.
 *
 *     exec_by FUNCTION PROGRAM [drop | hide | threads]
 *
 * FUNCTION is one of exec's, or "raw" for the system call. PROGRAM is this one's
 * absolute path. With "drop", which takes root, it gives that up before. With
 * "hide", nothing is at /proc any more, for which it needs a mount namespace. With
 * "threads", four others allocate 66 bytes and release them all the time.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pace.h"

static void leak(int count, size_t size)
{
	for (int i = 0; i < count; i++)
		*(volatile char *)malloc(size) = 1;
}

/* Those are called with one more variable in the environment. */
static int has_environment(const char *function)
{
	return strcmp(function, "execle") == 0 || strcmp(function, "execvpe") == 0 || strcmp(function, "fexecve") == 0;
}

static int execute(const char *function, const char *path)
{
	char *argv[] = {"exec_by", "second", (char *)function, NULL};
	size_t count = 0;
	char **envp;

	while (environ[count])
		count++;
	/* On the stack: no event that is not expected. */
	envp = alloca((count + 2) * sizeof *envp);
	memcpy(envp, environ, count * sizeof *envp);
	envp[count] = "EXEC_BY=1";
	envp[count + 1] = NULL;
	if (strcmp(function, "execl") == 0)
		return execl(path, argv[0], argv[1], argv[2], (char *)NULL);
	if (strcmp(function, "execlp") == 0)
		return execlp(path, argv[0], argv[1], argv[2], (char *)NULL);
	if (strcmp(function, "execle") == 0)
		return execle(path, argv[0], argv[1], argv[2], (char *)NULL, envp);
	if (strcmp(function, "execv") == 0)
		return execv(path, argv);
	if (strcmp(function, "execvp") == 0)
		return execvp(path, argv);
	if (strcmp(function, "execvpe") == 0)
		return execvpe(path, argv, envp);
	if (strcmp(function, "execve") == 0)
		return execve(path, argv, environ);
	if (strcmp(function, "fexecve") == 0)
		return fexecve(open(path, O_RDONLY | O_CLOEXEC), argv, envp);
	if (strcmp(function, "execveat") == 0)
		return execveat(AT_FDCWD, path, argv, environ, 0);
	return (int)syscall(SYS_execve, path, argv, environ);
}

static unsigned rounds;

static void *churn(void *unused)
{
	for (uint64_t call = 0;; call++) {
		void *volatile p = malloc(66);

		free(p);
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
		pace(call, 10000);
	}
	return unused;
}

static int start_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++) {
		if (pthread_create(&thread, NULL, churn, NULL) != 0)
			return -1;
	}
	while (__atomic_load_n(&rounds, __ATOMIC_RELAXED) < 1000)
		usleep(100);
	return 0;
}

static int second(const char *function)
{
	if (has_environment(function) != (getenv("EXEC_BY") != NULL))
		return 95;
	leak(100, 4405);
	return 9;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 98;
	if (strcmp(argv[1], "second") == 0)
		return second(argv[2]);
	if (argc > 3 && strcmp(argv[3], "threads") == 0 && start_threads() != 0)
		return 98;
	leak(1000, 3301);
	if (execute(argv[1], "/no/such/program") != -1 || (errno != ENOENT && errno != EINVAL))
		return 96;
	leak(10, 5503);
	if (argc > 3 && strcmp(argv[3], "drop") == 0 &&
	    (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
		return 97;
	if (argc > 3 && strcmp(argv[3], "hide") == 0 && mount("none", "/proc", "tmpfs", 0, NULL) != 0)
		return 97;
	execute(argv[1], argv[2]);
	return 98;
}
