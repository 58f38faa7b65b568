/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Real functions that dietlibc does not have, made of what it has. With other libcs,
 * the linker resolves these names to the libc's functions (real.c).
 */
#ifdef __dietlibc__

#include <stdlib.h>
#include <unistd.h>

#include "seam.h"
#include "text.h"

extern _Noreturn void __real__exit(int status);
extern int __real_execvp(const char *file, char *const argv[]);
extern int __real_execve(const char *path, char *const argv[], char *const envp[]);

_Noreturn void __real__Exit(int status);
int __real_execvpe(const char *file, char *const argv[], char *const envp[]);
int __real_fexecve(int fd, char *const argv[], char *const envp[]);

_Noreturn void __real__Exit(int status)
{
	__real__exit(status);
}

/* Whoever calls has the environment for ENVP, as there is no function that takes another one. */
int __real_execvpe(const char *file, char *const argv[], char *const envp[])
{
	(void)envp;
	return __real_execvp(file, argv);
}

int __real_fexecve(int fd, char *const argv[], char *const envp[])
{
	char path[40];
	struct lm_text text = {path, path + sizeof path - 1};

	lm_text_string(&text, "/proc/self/fd/");
	lm_text_signed(&text, fd);
	*text.at = '\0';
	return __real_execve(path, argv, envp);
}

/*
 * dietlibc has the first thread's thread-local storage in the frame of main()'s caller. When main() has returned,
 * exit() and what it calls overwrite that. So exit() is called before the caller returns.
 */
extern int __real_main(int argc, char **argv, char **envp);
__attribute__((visibility("default"))) int __wrap_main(int argc, char **argv, char **envp);

int __wrap_main(int argc, char **argv, char **envp)
{
	exit(__real_main(argc, argv, envp));
}

#else

typedef int lm_diet_nothing;

#endif
