/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which file a command's name stands for, as execvp() looks for it. */
#ifndef LM_WHICH_H
#define LM_WHICH_H

#include <limits.h>

/* Fills FOUND (PATH_MAX bytes) with the file that NAME stands for. 0 or an errno. */
int which_find(char *found, const char *name);

/* 0, or the errno that running PATH would end with. */
int which_runnable(const char *path);

/* The path of this program, which was called as NAME; empty if it can't be found out. */
void which_find_self(char own[PATH_MAX], const char *name);

#endif
