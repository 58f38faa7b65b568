/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The calls by which a program leaves its image: _exit() skips destructors, and
 * exec replaces everything. What the trace needs is done here before. Each is
 * the libc's function of that name to its caller, errno included.
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
 * execl(), execlp() and execle(): FIRST and ARGS up to a null pointer are what
 * RUN is called with; behind that, ARGS holds the environment if HAS_ENVIRONMENT.
 */
int lm_exec_list(int (*run)(const char *, char *const[], char *const[]), int has_environment, const char *path,
                 const char *first, va_list args);

#endif
