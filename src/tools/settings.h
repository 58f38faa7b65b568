/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tracker's settings that log-malloc has options for. Each is an
 * environment variable; an option takes precedence over the variable.
 */
#ifndef LM_SETTINGS_H
#define LM_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

/* In the order in which --verbose shows them. */
enum setting {
	SETTING_DEPTH,
	SETTING_STATM,
	SETTING_FORMAT,
	SETTING_START,
	SETTING_SIGNAL,
	SETTING_MARK_SIGNAL,
	SETTING_LIMIT,
	SETTING_SAMPLE,
	SETTING_KEEP,
	SETTING_AT,
	SETTING_FOLLOW,
	SETTING_QUIET,
	SETTINGS
};

/* What the options say. NULL: the environment decides. */
struct settings {
	const char *values[SETTINGS];
};

/* --at can be given several times: adds TEXT to its value. */
void settings_add_trigger(struct settings *settings, const char *text);

/* Is the trace a sample with a limit, which goes on in new files? */
bool settings_rotate(const struct settings *settings);

/* The limit of such a trace in bytes; else 0. */
uint64_t settings_rotated_bytes(const struct settings *settings);

/* The name of its environment variable. */
const char *settings_variable(enum setting number);

/* Ends the program with a usage error if the tracker would not accept one of them. */
void settings_check(const struct settings *settings);

/* The value that the command sees. NULL: the tracker's default. */
const char *settings_get(const struct settings *settings, enum setting number);

/* Are the processes that the command starts traced as well? */
bool settings_follow(const struct settings *settings);

/* Puts the options' values into the environment. */
void settings_export(const struct settings *settings);

#endif
