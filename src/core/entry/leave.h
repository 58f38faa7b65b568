/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The calls by which a program leaves its image: _exit() skips destructors, and
 * exec replaces everything. So these functions first write what the trace still
 * lacks. To the caller, each behaves like the libc's function of that name, errno
 * included.
 */
#ifndef LM_LEAVE_H
#define LM_LEAVE_H

#include <stdarg.h>

_Noreturn void lm_exit(int status);

int lm_execve(const char *path, char *const argv[], char *const envp[]);
int lm_execv(const char *path, char *const argv[]);
int lm_execvp(const char *file, char *const argv[]);
int lm_execvpe(const char *file, char *const argv[], char *const envp[]);
int lm_fexecve(int fd, char *const argv[], char *const envp[]);
int lm_execveat(int directory, const char *path, char *const argv[], char *const envp[], int flags);

/*
 * execl(), execlp() and execle(): calls RUN with FIRST and with ARGS up to the
 * null pointer. If HAS_ENVIRONMENT, the environment follows that pointer in ARGS.
 */
int lm_exec_list(int (*run)(const char *, char *const[], char *const[]), int has_environment, const char *path,
                 const char *first, va_list args);

#endif
