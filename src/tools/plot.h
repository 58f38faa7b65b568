/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws pictures of the memory in use by gnuplot, one above the other in one file. */
#ifndef LM_PLOT_H
#define LM_PLOT_H

#include "picture.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* More pictures in a file are too small to see anything. */
enum { PLOT_MOST = 12 };

struct plot {
	FILE *script; /* what gnuplot is told of the pictures, so far */
	char *text;
	size_t len;
	size_t count; /* of the pictures */
	size_t more;  /* that were left out */
};

/* Does the name of a file end in what plots can be: .svg or .png? */
bool plot_knows(const char *path);

/* Begins a file. 0 or -ENOMEM. */
int plot_begin(struct plot *plot);

void plot_add(struct plot *plot, const struct picture *picture);

/* Forgets all of it. */
void plot_drop(struct plot *plot);

/* Forgets all of it, after gnuplot has written the file at PATH to standard output. False after a message. */
bool plot_end(struct plot *plot, const char *path);

#endif
