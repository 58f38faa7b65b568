/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of bytes in units that are easy to read. The exact number stands beside them. */
#ifndef LM_BYTES_PRINT_H
#define LM_BYTES_PRINT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { BYTES_TEXT = 32 };

/* From here on, numbers are hard to read without a unit. */
#define BYTES_MANY (UINT64_C(1) << 20)

/* BYTES as "0.98 KiB", "1.50 MiB", "2.00 GiB", in TEXT. */
static inline const char *bytes_in_units(uint64_t bytes, char text[BYTES_TEXT])
{
	static const char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double rest = (double)bytes / 1024;
	unsigned unit = 0;

	/* What would be printed as 1024.00 has the next unit. */
	for (; rest >= 1023.995 && unit + 1 < sizeof units / sizeof *units; unit++)
		rest /= 1024;
	snprintf(text, BYTES_TEXT, "%.2f %s", rest, units[unit]);
	return text;
}

/* BYTES in at most six columns, in TEXT: "1234", "98.7K", "1.50M", "1023G". */
static inline char *bytes_short(uint64_t bytes, char text[BYTES_TEXT])
{
	static const char units[] = "KMGTPE";
	double rest = (double)bytes / 1024;
	unsigned unit = 0;

	if (bytes < 10000) {
		snprintf(text, BYTES_TEXT, "%" PRIu64, bytes);
		return text;
	}
	for (; rest >= 999.5 && units[unit + 1]; unit++)
		rest /= 1024;
	snprintf(text, BYTES_TEXT, "%.*f%c", rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0, rest, units[unit]);
	return text;
}

#endif
