/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For -o FILE: standard output goes to a new file, which takes the place of FILE when
 * all is well. A command that fails leaves what was there.
 */
#ifndef LM_OUTPUT_FILE_H
#define LM_OUTPUT_FILE_H

#include <limits.h>
#include <stdbool.h>

struct output_file {
	const char *name;          /* NULL: standard output stays what it is */
	char path[PATH_MAX];       /* without links */
	char unfinished[PATH_MAX]; /* the new file; "" if FILE is written to directly, as a device is */
};

/*
 * Sends standard output to the file at NAME. INPUTS, NULL behind the last, are not to be overwritten. False after a
 * message.
 */
bool output_file_open(struct output_file *file, const char *name, char **inputs);

/* What was printed takes FILE's place if it IS_GOOD. False after a message if that fails. */
bool output_file_close(struct output_file *file, bool is_good);

#endif
