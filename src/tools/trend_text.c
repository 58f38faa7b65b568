/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See trend_text.h. */
#include "trend_text.h"
#include "estimate.h"
#include "plural.h"

#include <inttypes.h>
#include <stddef.h>

struct unit {
	const char *name;
	double seconds;
};

static const struct unit units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};

enum { UNITS = sizeof units / sizeof *units };

/* "12.34 s", "4 min 10 s", "3 h 5 min": two units at most. */
static void print_time(double seconds, FILE *out)
{
	size_t i = UNITS - 1;
	uint64_t whole;

	if (seconds < units[1].seconds) {
		fprintf(out, "%.2f s", seconds);
		return;
	}
	while (seconds < units[i].seconds)
		i--;
	whole = (uint64_t)(seconds / units[i].seconds);
	fprintf(out, "%" PRIu64 " %s", whole, units[i].name);
	whole = (uint64_t)((seconds - (double)whole * units[i].seconds) / units[i - 1].seconds);
	if (whole)
		fprintf(out, " %" PRIu64 " %s", whole, units[i - 1].name);
}

/* RATE a second, of GROUP, by the shortest time in which there is one at least: "12 blocks a minute". */
static void print_rate(const struct leaks_group *group, double rate, const char *what, FILE *out)
{
	static const struct unit times[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
	size_t i = 0;
	uint64_t count;

	while (i + 1 < UNITS && rate * times[i].seconds < 0.95)
		i++;
	count = (uint64_t)(rate * times[i].seconds + 0.5);
	fprintf(out, "%s%" PRIu64 " %s%s a %s", about(&group->held), count, what, plural(count), times[i].name);
}

static void print_trend(const struct leaks_group *group, FILE *out)
{
	const struct trend *trend = &group->trend;
	double since = (double)trend->since / 1000;

	switch (trend->kind) {
	case TREND_STEADY:
		fputs("; ", out);
		/* A block that is made larger again and again is one block. */
		if (trend->steady_blocks > 0)
			print_rate(group, trend->steady_blocks, "block", out);
		else
			print_rate(group, trend->steady_bytes, "byte", out);
		fputs(", steadily, for ", out);
		print_time((double)trend->end / 1000 - since, out);
		break;
	case TREND_STOPPED:
		fputs("; no growth since ", out);
		print_time(since, out);
		break;
	case TREND_VARIES:
		fputs("; unevenly", out);
		break;
	default:
		break;
	}
}

/* In a shorter time than that, in milliseconds, everything is at the beginning. */
#define TELLING_MS 1000

/* A block that was live when the file began came before all times in it. */
static void print_when(const struct moments *moments, uint64_t line, FILE *out)
{
	uint64_t time = moments->list[0].time;

	fputs(moments_time_of(moments, line, &time) ? "after " : "before ", out);
	print_time((double)time / 1000, out);
}

void trend_print(const struct leaks_group *group, const struct moments *moments, FILE *out)
{
	if (!moments->count || moments->list[moments->count - 1].time < TELLING_MS)
		return;
	fputs("; ", out);
	if (group->held.count > 1) {
		fputs("first ", out);
		print_when(moments, group->line, out);
		fputs(", last ", out);
	}
	print_when(moments, group->last_line, out);
	print_trend(group, out);
}
