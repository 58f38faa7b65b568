/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The settings, from LOG_MALLOC_* in the environment; log-malloc(1) lists
 * them. Read once, when a trace begins. For a value that is not understood,
 * one line is printed on standard error and the default is used.
 */
#ifndef LM_CONFIG_H
#define LM_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "sample.h"
#include "trace_format.h"
#include "trigger.h"

#ifndef LOG_MALLOC_BACKTRACE_COUNT
#define LOG_MALLOC_BACKTRACE_COUNT 16
#endif

struct lm_config {
	unsigned depth;     /* frames of a backtrace, at most */
	uint64_t statm_ms;  /* milliseconds between two samples; 0: with every event; or LM_SAMPLE_NEVER */
	const char *output; /* LOG_MALLOC_OUTPUT, or NULL */
	const char *owner;  /* LOG_MALLOC_OWNER, or NULL */
	int follow;         /* children of fork write traces of their own */
	int quiet;
	enum lm_format format;
	uint64_t limit;    /* bytes of the trace; 0: no limit */
	unsigned keep;     /* older files of a sampled trace with a limit */
	uint64_t sample;   /* mean distance of the sample in bytes; 0: every event is recorded */
	int is_refused;    /* the limit or the sample is not understood: nothing is recorded */
	int start_off;     /* tracing starts switched off (control.h) */
	int toggle_signal; /* number of the signal that switches tracing, or 0 */
	int mark_signal;   /* number of the signal that marks a moment, or 0 */
	uint64_t before;   /* see lm_settings.before */
	struct lm_trigger_setting triggers[LM_TRIGGER_MAX];
	unsigned trigger_count;
};

/* Can the environment be read yet? The dynamic loader allocates before libc has set ENVIRON. */
int lm_config_ready(void);

/*
 * Reads only whether and where a trace is written, and the sample, which can be without a trace. While tracing is off,
 * no other setting is complained about.
 */
void lm_config_read_output(struct lm_config *config);
/* Reads the limit of a trace that will be written. */
void lm_config_read_limit(struct lm_config *config);
/* Reads the rest. */
void lm_config_read(struct lm_config *config);

/* The same from the SIZE bytes of SETTINGS, NAME=VALUE each with its NUL: the environment does not count. */
void lm_config_read_given(struct lm_config *config, const char *settings, size_t size);

#endif
