/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Paths of the process, without libc's allocating helpers. Each returns 0, or -1 where it can't tell. */
#ifndef LM_PATH_H
#define LM_PATH_H

#include <stddef.h>

/* The program's file, absolute: by the name that ran, if that is a link to it. */
int lm_path_exe(char *path, size_t size);
/* It is found out anew the next time. No other thread may be at work. */
void lm_path_forget(void);
/* The current directory. */
int lm_path_cwd(char *path, size_t size);
/* NAME, put behind the current directory if it is relative. */
int lm_path_absolute(char *path, size_t size, const char *name);

#endif
