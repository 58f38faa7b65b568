/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See triggers.h. */
#include "triggers.h"

#include <inttypes.h>
#include <stdio.h>

const char *const trigger_kinds[KINDS] = {"LOG_MALLOC_FORMAT=full", "LOG_MALLOC_FORMAT=compact",
                                          "LOG_MALLOC_FORMAT=packed", "LOG_MALLOC_FORMAT=packed LOG_MALLOC_SAMPLE=16K",
                                          "LOG_MALLOC_FORMAT=compact LOG_MALLOC_SAMPLE=16K"};

struct run run_triggers(int number, const char *shell, const char *at, const char *operations)
{
	const int flavour = flavour_of(number);

	return run("%s %s LOG_MALLOC_QUIET=1 LOG_MALLOC_AT=%s %s " PROGRAMS "triggers%s %s 1022>trace", shell,
	           flavours[flavour].environment, at, trigger_kinds[number % KINDS], flavours[flavour].suffix,
	           operations);
}

const char *marks_of(const char *path)
{
	return run("$B/log-malloc-cat %s | sed -n 's/^# MARK //p' | tr '\\n' ' '", path).out;
}

void marks_are(int number, const char *at, const char *operations, const char *expected)
{
	struct run r = run_triggers(number, "", at, operations);

	ck_assert_msg(r.status == 3 && !*r.err, "%d: %s", r.status, r.err);
	ck_assert_str_eq(marks_of("trace"), expected);
}

void first_trigger(const char *word, uint64_t *value, uint64_t *amount)
{
	struct run r = must(run("$B/log-malloc-cat trace | sed -n 's/^# TRIGGER %s //p' | head -1", word));

	ck_assert_msg(sscanf(r.out, "%" SCNu64 " %" SCNu64, value, amount) == 2, "'%s'", r.out);
}
