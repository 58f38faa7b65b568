/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process images that a trace has one after the other: where one ends and the next one begins. */
#ifndef LM_READER_IMAGES_H
#define LM_READER_IMAGES_H

#include "trace.h"

/* Does a new process image begin with TRACE's record? The tracker begins with PID and INIT. */
bool images_begins(struct trace *trace);

/* Forgets the image. The next one begins with the line that was read. */
void images_next(struct trace *trace);

/* Tells the end of the image: 1. The record that begins the next image was read already, if there is one. */
int images_end(struct trace *trace, struct trace_item *item);

void images_free(struct trace_image *image);

#endif
