/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See diag.h. */
#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

void diag_report(const struct diag *diag, const char *file, uint64_t line, const char *fmt, ...)
{
	char message[512];
	va_list args;

	if (!diag || !diag->report)
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	diag->report(diag->context, file, line, message);
}
