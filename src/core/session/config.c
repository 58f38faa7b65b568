/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See config.h. In a process that gained privileges, secure_getenv() returns nothing: all settings are the defaults. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "draw.h"
#include "settings.h"
#include "trace_format.h"
#include "warn.h"

#define DEFAULT_STATM_MS 10
#define MAX_STATM_MS     3600000

int lm_config_ready(void)
{
	return environ != NULL;
}

/* What counts instead of the environment; its text is NULL: nothing does. */
static struct {
	const char *text;
	size_t size;
} given;

static const char *given_value(const char *variable)
{
	size_t length = strlen(variable);

	for (const char *at = given.text, *end = at + given.size; at < end; at += strlen(at) + 1) {
		if (strncmp(at, variable, length) == 0 && at[length] == '=')
			return at + length + 1;
	}
	return NULL;
}

static const char *setting(const char *variable)
{
	const char *value = given.text ? given_value(variable) : secure_getenv(variable);

	return value && *value ? value : NULL;
}

/* USED: what is used in its place; NULL: the process is not traced. */
static void complain(const char *variable, const char *value, const char *accepted, const char *used)
{
	/* The settings are read once, by one thread. Not on the stack, which may be small. */
	static char buffer[LM_WARN_MAX];
	struct lm_text text = lm_warn_begin(buffer, sizeof buffer);

	lm_text_string(&text, variable);
	lm_text_char(&text, '=');
	lm_text_shown(&text, value);
	lm_text_string(&text, " is not ");
	lm_text_string(&text, accepted);
	lm_text_string(&text, used ? "; using " : "; nothing is recorded");
	lm_text_string(&text, used ? used : "");
	lm_warn_end(buffer, &text);
}

#define STRING(x)  STRING_(x)
#define STRING_(x) #x

static unsigned read_depth(void)
{
	const char *value = setting("LOG_MALLOC_BACKTRACE_DEPTH");
	uint64_t depth = LOG_MALLOC_BACKTRACE_COUNT;

	_Static_assert(LOG_MALLOC_BACKTRACE_COUNT <= LM_BACKTRACE_DEPTH_MAX, "LOG_MALLOC_BACKTRACE_COUNT is too large");
	if (value && lm_text_parse(value, LM_BACKTRACE_DEPTH_MAX, &depth) != 0) {
		complain("LOG_MALLOC_BACKTRACE_DEPTH", value, "a number from 0 to " STRING(LM_BACKTRACE_DEPTH_MAX),
		         STRING(LOG_MALLOC_BACKTRACE_COUNT));
		depth = LOG_MALLOC_BACKTRACE_COUNT;
	}
	return (unsigned)depth;
}

static uint64_t read_statm(void)
{
	const char *value = setting("LOG_MALLOC_STATM");
	uint64_t ms;

	if (!value)
		return DEFAULT_STATM_MS;
	if (strcmp(value, "always") == 0)
		return 0;
	if (strcmp(value, "never") == 0)
		return LM_SAMPLE_NEVER;
	if (lm_text_parse(value, MAX_STATM_MS, &ms) == 0)
		return ms;
	complain("LOG_MALLOC_STATM", value, "always, never or a number of milliseconds up to " STRING(MAX_STATM_MS),
	         STRING(DEFAULT_STATM_MS));
	return DEFAULT_STATM_MS;
}

/* The factor of a unit behind a number of bytes; 0: it is none. */
static uint64_t unit_factor(char unit)
{
	switch (unit) {
	case 'K':
		return 1 << 10;
	case 'M':
		return 1 << 20;
	case 'G':
		return 1 << 30;
	default:
		return 0;
	}
}

/* A number of bytes with a unit, up to MAX. 0, or -1. */
static int parse_bytes(const char *value, uint64_t max, uint64_t *bytes)
{
	size_t length = strlen(value);
	uint64_t factor = length ? unit_factor(value[length - 1]) : 0;
	char number[32];

	length -= factor != 0;
	if (length >= sizeof number)
		return -1;
	memcpy(number, value, length);
	number[length] = '\0';
	factor += !factor;
	if (lm_text_parse(number, max / factor, bytes) != 0)
		return -1;
	*bytes *= factor;
	return 0;
}

/*
 * What bounds the trace: a number of bytes up to MAX; 0 without one. If it is not understood, nothing is recorded: a
 * trace without bounds could be too much for the machine.
 */
static uint64_t read_bound(struct lm_config *config, const char *variable, uint64_t max, const char *accepted)
{
	const char *value = setting(variable);
	uint64_t bytes = 0;

	if (!value || parse_bytes(value, max, &bytes) == 0)
		return bytes;
	complain(variable, value, accepted, NULL);
	config->is_refused = 1;
	return 0;
}

static uint64_t read_sample(struct lm_config *config)
{
	return read_bound(config, "LOG_MALLOC_SAMPLE", LM_DRAW_MEAN_MAX, "a number of bytes such as 512K");
}

void lm_config_read_limit(struct lm_config *config)
{
	config->limit = read_bound(config, "LOG_MALLOC_LIMIT", UINT64_MAX, "a number of bytes such as 100M");
}

#define DEFAULT_KEEP 1

static unsigned read_keep(const struct lm_config *config)
{
	const char *value = setting("LOG_MALLOC_KEEP");
	uint64_t keep = DEFAULT_KEEP;

	if (!value)
		return DEFAULT_KEEP;
	if (lm_text_parse(value, LM_TRACE_KEEP_MAX, &keep) != 0 || !keep) {
		complain("LOG_MALLOC_KEEP", value, "a number from 1 to " STRING(LM_TRACE_KEEP_MAX),
		         STRING(DEFAULT_KEEP));
		return DEFAULT_KEEP;
	}
	if (!config->limit || !config->sample)
		lm_warn("LOG_MALLOC_KEEP has no effect without LOG_MALLOC_SAMPLE and LOG_MALLOC_LIMIT", 0);
	return (unsigned)keep;
}

static int is_set(const char *variable)
{
	const char *value = setting(variable);

	return value && strcmp(value, "1") == 0;
}

static int read_switch(const char *variable)
{
	const char *value = setting(variable);

	if (value && strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		complain(variable, value, "0 or 1", "0");
	return is_set(variable);
}

/* The variable is one of two words, and FIRST is the default. Is it SECOND? */
static int read_choice(const char *variable, const char *first, const char *second, const char *accepted)
{
	const char *value = setting(variable);

	if (!value || strcmp(value, first) == 0)
		return 0;
	if (strcmp(value, second) == 0)
		return 1;
	complain(variable, value, accepted, first);
	return 0;
}

static enum lm_format read_format(void)
{
	static const char *const words[] = {
#define WORD(id, word) [LM_FORMAT_##id] = (word),
		LM_TRACE_FORMATS(WORD)
#undef WORD
	};
	const char *value = setting("LOG_MALLOC_FORMAT");

	for (enum lm_format format = 0; format < LM_FORMAT_COUNT; format++) {
		if (!value || strcmp(value, words[format]) == 0)
			return format;
	}
	complain("LOG_MALLOC_FORMAT", value, "full, compact or packed", words[LM_FORMAT_FULL]);
	return LM_FORMAT_FULL;
}

static int read_signal(const char *variable)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
#define NUMBER(signal) {#signal, SIG##signal},
		LM_TOGGLE_SIGNALS(NUMBER)
#undef NUMBER
	};
	const char *value = setting(variable), *name = value;

	if (!value)
		return 0;
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		if (strcmp(name, signals[i].name) == 0)
			return signals[i].number;
	}
	complain(variable, value, "a signal such as USR1, USR2, HUP or WINCH", "none");
	return 0;
}

/* A bound that too few blocks of the sample would tell of has to wait for more. A launcher has told that already. */
static void tell_of_low_triggers(const struct lm_config *config, const char *value)
{
	static char buffer[LM_WARN_MAX];
	struct lm_text text;

	if (config->owner || given.text || !lm_trigger_is_low(config->triggers, config->trigger_count, config->sample))
		return;
	text = lm_warn_begin(buffer, sizeof buffer);
	lm_text_string(&text, "LOG_MALLOC_AT=");
	lm_text_shown(&text, value);
	lm_text_string(&text, ": " LM_TRIGGER_LOW_BEFORE);
	lm_text_unsigned(&text, LM_TRIGGER_SAMPLES * config->sample);
	lm_text_string(&text, LM_TRIGGER_LOW_BEHIND);
	lm_warn_end(buffer, &text);
}

static void read_signals(struct lm_config *config)
{
	config->toggle_signal = read_signal("LOG_MALLOC_SIGNAL");
	config->mark_signal = read_signal("LOG_MALLOC_MARK_SIGNAL");
	if (!config->mark_signal || config->mark_signal != config->toggle_signal)
		return;
	lm_warn("LOG_MALLOC_MARK_SIGNAL is the signal of LOG_MALLOC_SIGNAL: it toggles, and marks nothing", 0);
	config->mark_signal = 0;
}

static void read_triggers(struct lm_config *config)
{
	const char *value = setting("LOG_MALLOC_AT");

	config->trigger_count = value ? lm_trigger_read(value, config->triggers) : 0;
	if (value && !config->trigger_count)
		complain("LOG_MALLOC_AT", value, LM_TRIGGER_ACCEPTED, "none");
	tell_of_low_triggers(config, value);
}

void lm_config_read_output(struct lm_config *config)
{
	config->output = setting("LOG_MALLOC_OUTPUT");
	config->owner = setting("LOG_MALLOC_OWNER");
	config->follow = is_set("LOG_MALLOC_FOLLOW");
	config->sample = read_sample(config);
}

void lm_config_read(struct lm_config *config)
{
	config->follow = read_switch("LOG_MALLOC_FOLLOW");
	config->depth = read_depth();
	config->statm_ms = read_statm();
	config->quiet = read_switch("LOG_MALLOC_QUIET");
	config->format = read_format();
	config->keep = read_keep(config);
	config->start_off = read_choice("LOG_MALLOC_START", "on", "off", "on or off");
	read_signals(config);
	read_triggers(config);
	config->before = LM_BEFORE_UNKNOWN;
}

void lm_config_read_given(struct lm_config *config, const char *settings, size_t size)
{
	given.text = settings;
	given.size = size;
	config->sample = read_sample(config);
	lm_config_read_limit(config);
	lm_config_read(config);
	given.text = NULL;
}
