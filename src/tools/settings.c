/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See settings.h. */
#include "settings.h"
#include "cli.h"
#include "trace_format.h"
#include "trigger.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tracker's limit. */
#define STATM_MS_MAX 3600000

#define NAME(signal) #signal,
static const char *const signals[] = {LM_TOGGLE_SIGNALS(NAME)};
#undef NAME

static const char *const variables[SETTINGS] = {
	[SETTING_DEPTH] = "LOG_MALLOC_BACKTRACE_DEPTH",
	[SETTING_STATM] = "LOG_MALLOC_STATM",
	[SETTING_FORMAT] = "LOG_MALLOC_FORMAT",
	[SETTING_START] = "LOG_MALLOC_START",
	[SETTING_SIGNAL] = "LOG_MALLOC_SIGNAL",
	[SETTING_FOLLOW] = "LOG_MALLOC_FOLLOW",
	[SETTING_MARK_SIGNAL] = "LOG_MALLOC_MARK_SIGNAL",
	[SETTING_LIMIT] = "LOG_MALLOC_LIMIT",
	[SETTING_SAMPLE] = "LOG_MALLOC_SAMPLE",
	[SETTING_KEEP] = "LOG_MALLOC_KEEP",
	[SETTING_AT] = "LOG_MALLOC_AT",
	[SETTING_QUIET] = "LOG_MALLOC_QUIET",
};

const char *settings_variable(enum setting number)
{
	return variables[number];
}

/* Is TEXT a decimal number from 0 to MAX? */
static bool is_number(const char *text, unsigned long max)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	return strtoul(text, &end, 10) <= max && errno == 0;
}

static bool is_signal(const char *name)
{
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		if (strcmp(name, signals[i]) == 0)
			return true;
	}
	return false;
}

static void check_signal(const char *name, const char *option)
{
	if (name && !is_signal(name))
		cli_usage_error("%s %s: it has to be a signal such as USR1, USR2, HUP or WINCH", option, name);
}

/* The tracker's limit. */
#define SAMPLE_MAX (UINTPTR_MAX > UINT32_MAX ? UINT64_C(1) << 40 : UINT64_C(1) << 26)

static void check_sample(const char *text)
{
	uint64_t bytes = cli_bytes(text);

	if (!bytes || bytes > SAMPLE_MAX)
		cli_usage_error("--sample %s: it has to be from 1 to %" PRIu64 " bytes", text, SAMPLE_MAX);
}

void settings_add_trigger(struct settings *settings, const char *text)
{
	const char *before = settings->values[SETTING_AT];
	char *both;

	if (asprintf(&both, "%s%s%s", before ? before : "", before ? "," : "", text) < 0) {
		cli_error("%s", strerror(ENOMEM));
		exit(CLI_TROUBLE);
	}
	free((char *)before);
	settings->values[SETTING_AT] = both;
}

static void check_triggers(const char *text)
{
	struct lm_trigger_setting list[LM_TRIGGER_MAX];

	if (text && !lm_trigger_read(text, list))
		cli_usage_error("--at %s: it has to be %s", text, LM_TRIGGER_ACCEPTED);
}

/* The tracker would tell of it on the program's standard error, and in each process. */
static void tell_of_low_triggers(const struct settings *settings)
{
	const char *at = settings_get(settings, SETTING_AT), *sample = settings_get(settings, SETTING_SAMPLE);
	struct lm_trigger_setting list[LM_TRIGGER_MAX];
	struct lm_trigger_setting mean = {.kind = LM_TRIGGER_PEAK};
	/* A size that the environment has, and that is none, is the tracker's to complain about. */
	const char *behind = sample ? lm_trigger_amount(sample, &mean) : NULL;
	unsigned count = at && behind && !*behind && mean.amount <= SAMPLE_MAX ? lm_trigger_read(at, list) : 0;

	if (lm_trigger_is_low(list, count, mean.amount))
		cli_error("--at %s: " LM_TRIGGER_LOW_BEFORE "%" PRIu64 LM_TRIGGER_LOW_BEHIND, at,
		          LM_TRIGGER_SAMPLES * mean.amount);
}

static void check_keep(const struct settings *settings)
{
	const char *keep = settings->values[SETTING_KEEP];

	if (!keep)
		return;
	if (!is_number(keep, LM_TRACE_KEEP_MAX) || strtoul(keep, NULL, 10) == 0)
		cli_usage_error("--keep %s: it has to be a number of files from 1 to %d", keep, LM_TRACE_KEEP_MAX);
	if (!settings_rotate(settings))
		cli_usage_error("--keep is for a sampled trace with a limit, which goes on in new files: it needs "
		                "--sample and --limit");
}

void settings_check(const struct settings *settings)
{
	const char *const *values = settings->values;
	const char *depth = values[SETTING_DEPTH], *statm = values[SETTING_STATM];
	const char *start = values[SETTING_START];

	if (depth && !is_number(depth, LM_BACKTRACE_DEPTH_MAX))
		cli_usage_error("--depth %s: it has to be a number from 0 to %d", depth, LM_BACKTRACE_DEPTH_MAX);
	if (statm && strcmp(statm, "always") != 0 && strcmp(statm, "never") != 0 && !is_number(statm, STATM_MS_MAX))
		cli_usage_error("--statm %s: it has to be always, never or a number of milliseconds", statm);
	if (values[SETTING_LIMIT])
		cli_bytes(values[SETTING_LIMIT]);
	if (values[SETTING_SAMPLE])
		check_sample(values[SETTING_SAMPLE]);
	check_keep(settings);
	check_triggers(values[SETTING_AT]);
	tell_of_low_triggers(settings);
	if (start && strcmp(start, "on") != 0 && strcmp(start, "off") != 0)
		cli_usage_error("--start %s: it has to be on or off", start);
	check_signal(values[SETTING_SIGNAL], "--signal");
	check_signal(values[SETTING_MARK_SIGNAL], "--mark-signal");
}

const char *settings_get(const struct settings *settings, enum setting number)
{
	const char *option = settings->values[number];
	const char *value = option ? option : getenv(variables[number]);

	return value && *value ? value : NULL;
}

bool settings_rotate(const struct settings *settings)
{
	return settings_get(settings, SETTING_SAMPLE) && settings_get(settings, SETTING_LIMIT);
}

uint64_t settings_rotated_bytes(const struct settings *settings)
{
	const char *limit = settings_get(settings, SETTING_LIMIT);
	struct lm_trigger_setting bytes = {.kind = LM_TRIGGER_PEAK};
	/* A size that the environment has, and that is none, is the tracker's to complain about. */
	const char *behind = limit ? lm_trigger_amount(limit, &bytes) : NULL;

	return settings_rotate(settings) && behind && !*behind && !bytes.is_percent ? bytes.amount : 0;
}

bool settings_follow(const struct settings *settings)
{
	const char *follow = settings_get(settings, SETTING_FOLLOW);

	return follow && strcmp(follow, "1") == 0;
}

void settings_export(const struct settings *settings)
{
	for (int i = 0; i < SETTINGS; i++) {
		if (settings->values[i])
			setenv(variables[i], settings->values[i], 1);
	}
}
