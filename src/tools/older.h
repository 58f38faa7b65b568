/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The older files of a sampled trace with a limit, which went on in new ones. */
#ifndef LM_OLDER_H
#define LM_OLDER_H

#include <limits.h>

/* Of the trace PATH, sets NAME to that of the older file NUMBER, from 1 for the youngest. */
void older_name(char name[PATH_MAX], const char *path, unsigned number);

/* The number of the oldest one, or 0. A kill while the names moved on by one has left one of them free. */
unsigned older_last(const char *path);

#endif
