/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ending_text.h. */
#include "ending_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *ending_text(char words[ENDING_MAX], const struct trace_image *image, bool ends_early)
{
	switch (image->ending) {
	case TRACE_RUNNING:
		return "still running";
	case TRACE_KILLED:
		if (!image->signal)
			return "killed; the trace ends early";
		snprintf(words, ENDING_MAX, "killed by signal %" PRIu64 " (%.40s); the trace ends early", image->signal,
		         strsignal((int)image->signal));
		return words;
	case TRACE_CONTINUED:
		return "goes on in a newer file";
	case TRACE_DETACHED:
		return ends_early ? "detached; the trace ends early" : "detached";
	case TRACE_CUT:
		return "the trace ends early";
	default:
		return ends_early ? "the trace ends early" : "";
	}
}
