/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaks as a test report for CI servers: an image is a suite, a leak is a failed case. */
#include "attached_text.h"
#include "estimate.h"
#include "findleak.h"
#include "json.h"
#include "plural.h"
#include "reach_text.h"
#include "xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* The number of frames in the name of a case. */
enum { NAMED_FRAMES = 3 };

static int print_name(const char *name)
{
	return xml_print_name(name, stdout);
}

static const char *text_of(const json_t *frame, const char *field)
{
	return json_string_value(json_object_get(frame, field));
}

/* Prints "function (file:line)", or what is known of it. */
static int print_place(const json_t *frame)
{
	const char *function = text_of(frame, "function"), *file = text_of(frame, "file");
	const char *unnamed = text_of(frame, "module");
	int error;

	if (!unnamed)
		unnamed = text_of(frame, "address");
	error = print_name(function ? function : unnamed ? unnamed : "?");
	if (error || !file)
		return error;
	fputs(" (", stdout);
	error = print_name(file);
	printf(":%" PRId64 ")", (int64_t)json_integer_value(json_object_get(frame, "line")));
	return error;
}

/* Prints the first COUNT frames of a backtrace. */
static int print_places(const json_t *backtrace, size_t count, const char *between)
{
	int error = 0;

	for (size_t i = 0; !error && i < count && i < json_array_size(backtrace); i++) {
		if (i)
			fputs(between, stdout);
		error = print_place(json_array_get(backtrace, i));
	}
	return error;
}

static int begin_case(const struct findings *findings, const json_t *backtrace, const char *prefix)
{
	int error;

	fputs("    <testcase classname=\"", stdout);
	error = print_name(findings->image->exe ? findings->image->exe : findings->name);
	printf("\" name=\"%s", prefix);
	if (!json_array_size(backtrace))
		fputs("no backtrace", stdout);
	if (!error)
		error = print_places(backtrace, NAMED_FRAMES, " &lt; ");
	fputs("\">\n", stdout);
	return error;
}

static int end_case(const json_t *backtrace, const char *element)
{
	int error = print_places(backtrace, SIZE_MAX, "\n");

	printf("</%s>\n    </testcase>\n", element);
	return error;
}

static void print_sum(const struct amount *sum)
{
	printf("%s%" PRIu64 " block%s, %s%" PRIu64 " byte%s", about(sum), sum->count, plural(sum->count), about(sum),
	       sum->bytes, plural(sum->bytes));
	samples_print(sum, stdout);
}

static void print_count(uint64_t count, const char *what, const char *behind)
{
	printf("%" PRIu64 " %s%s%s", count, what, plural(count), behind);
}

/* Leaks within what is allowed are no failures. */
static bool is_failure(const struct findings *findings, const struct leaks_group *group)
{
	return findings->failed && reach_is_leak(group->reach);
}

static int print_leak(const struct findings *findings, struct json_frames *frames, const struct leaks_group *group)
{
	const bool failed = is_failure(findings, group);
	json_t *backtrace = json_backtrace(frames, group->stack);
	int error = backtrace ? begin_case(findings, backtrace, "") : -ENOMEM;

	if (failed)
		fputs("      <failure type=\"leak\" message=\"", stdout);
	else
		fputs("      <system-out>", stdout);
	print_sum(&group->held);
	if (group->reach != REACH_UNKNOWN)
		printf(", %s", reach_words(group->reach));
	printf(", allocated by %s (first: 0x%" PRIx64 ", line: %" PRIu64 ")%s", parse_call_name(group->call),
	       group->address, group->line, failed ? "\">" : "\n");
	if (!error)
		error = end_case(backtrace, failed ? "failure" : "system-out");
	json_decref(backtrace);
	return error;
}

static int print_double(const struct findings *findings, struct json_frames *frames, const struct frees_group *group)
{
	json_t *backtrace = json_backtrace(frames, group->stack);
	int error = backtrace ? begin_case(findings, backtrace, "double free: ") : -ENOMEM;

	printf("      <failure type=\"double free\" message=\"%" PRIu64 " time%s (first: 0x%" PRIx64 ", line: %" PRIu64
	       ", released before in line %" PRIu64 ")\">",
	       group->count, plural(group->count), group->address, group->line, group->past.released_line);
	if (!error)
		error = end_case(backtrace, "failure");
	json_decref(backtrace);
	return error;
}

static int print_mismatch(const struct findings *findings, struct json_frames *frames, const struct frees_group *group)
{
	json_t *backtrace = json_backtrace(frames, group->stack);
	json_t *allocation = json_backtrace(frames, group->past.allocated_stack);
	int error = backtrace && allocation ? begin_case(findings, backtrace, "wrong free: ") : -ENOMEM;

	printf("      <failure type=\"wrong free\" message=\"%" PRIu64
	       " times released by %s, but asked for by %s (first: 0x%" PRIx64 ", line: %" PRIu64 ")\">",
	       group->count, parse_way_released(group->release), parse_way_asked(group->asked), group->address,
	       group->line);
	if (!error && json_array_size(allocation)) {
		error = print_places(backtrace, SIZE_MAX, "\n");
		fputs("\nallocated in:\n", stdout);
		json_decref(backtrace);
		backtrace = json_incref(allocation);
	}
	if (!error)
		error = end_case(backtrace, "failure");
	json_decref(backtrace);
	json_decref(allocation);
	return error;
}

static int print_wrong_free(const struct findings *findings, struct json_frames *frames,
                            const struct frees_group *group)
{
	if (group->kind == FREES_MISMATCHED)
		return print_mismatch(findings, frames, group);
	return print_double(findings, frames, group);
}

/* The case for all that have none of their own: the rest; or all leaks, if the kinds that are shown have none. */
static const struct leaks_sum *others(const struct leaks *leaks)
{
	return leaks->rest.held.count || leaks->shown ? &leaks->rest : &leaks->all;
}

static bool has_other(const struct leaks *leaks)
{
	return leaks->rest.held.count || !leaks->shown;
}

static bool is_other_failure(const struct findings *findings)
{
	const struct leaks *leaks = &findings->leaks;
	size_t i = leaks->shown;

	while (i < leaks->count && !is_failure(findings, &leaks->groups[i]))
		i++;
	return i < leaks->count;
}

static void print_other(const struct findings *findings)
{
	const struct leaks_sum *rest = others(&findings->leaks);
	const bool failed = is_other_failure(findings);

	fputs("    <testcase classname=\"", stdout);
	print_name(findings->image->exe ? findings->image->exe : findings->name);
	fputs(rest->held.count ? "\" name=\"other leaks\">\n" : "\" name=\"no leaks\"/>\n", stdout);
	if (!rest->held.count)
		return;
	if (failed)
		fputs("      <failure type=\"leak\" message=\"", stdout);
	else
		fputs("      <system-out>", stdout);
	print_sum(&rest->held);
	fputs(failed ? "\"/>\n" : "</system-out>\n", stdout);
	fputs("    </testcase>\n", stdout);
}

/* A case that fails if something is missing: leaks may be missing as well. */
static void print_missing(const struct findings *findings)
{
	const struct flavour_lack *lack = flavour_lack(findings->image);

	fputs("    <testcase classname=\"", stdout);
	print_name(findings->image->exe ? findings->image->exe : findings->name);
	fputs("\" name=\"whole trace\">\n      <failure type=\"missing\" message=\"", stdout);
	print_count(findings->image->lost, "event", " lost, ");
	print_count(findings->image->unkept, "block", " whose size the tracker could not keep");
	if (findings->image->is_limited)
		printf(", allocations behind the limit of %" PRIu64 " byte%s", findings->image->limit,
		       plural(findings->image->limit));
	if (lack && !findings->own_calls_do)
		printf("; not seen: %s; to see them, %s", lack->unseen, lack->advice);
	fputs("\"/>\n    </testcase>\n", stdout);
}

/* The groups of wrong frees begin with those that are certainly wrong. */
static size_t count_certain(const struct frees *frees)
{
	size_t count = 0;

	while (count < frees->count && frees->groups[count].kind <= FREES_MISMATCHED)
		count++;
	return count;
}

/*
 * The cases of an image: its leaks, one case for all leaks that are not shown,
 * or one case that says that there is none; its double and its mismatched frees; and
 * one case if something is missing.
 */
static int begin_suite(const struct findings *findings)
{
	const struct leaks *leaks = &findings->leaks;
	size_t certain = count_certain(&findings->frees);
	size_t cases = leaks->shown + has_other(leaks), failures = has_other(leaks) && is_other_failure(findings);
	size_t certain_cases = certain + findings_are_uncertain(findings);
	int error;

	for (size_t i = 0; i < leaks->shown; i++)
		failures += is_failure(findings, &leaks->groups[i]);
	fputs("  <testsuite name=\"", stdout);
	error = print_name(findings->image->exe ? findings->image->exe : findings->name);
	if (findings->image->has_pid)
		printf(" (process %" PRIu64 ")", findings->image->pid);
	printf("\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n", cases + certain_cases, failures + certain_cases);
	return error;
}

static void end_suite(const struct findings *findings)
{
	const struct leaks *leaks = &findings->leaks;
	const uint64_t *frees = findings->frees.counts;
	const struct flavour_lack *lack = flavour_lack(findings->image);
	char words[ATTACHED_MAX];
	bool whole = findings->image->begun && !findings->ends_early && !trace_is_missing_some(findings->image) &&
	             !lack && (findings->image->finished || findings->image->replaced);

	fputs("    <system-out>", stdout);
	print_sum(&leaks->all.held);
	fputs(" leaked; ", stdout);
	for (enum reach reach = 0; findings->unreached->known && reach < REACH_KINDS; reach++) {
		print_sum(&leaks->by_reach[reach].held);
		printf(" %s; ", reach_words(reach));
	}
	print_sum(&leaks->suppressed.held);
	fputs(" suppressed; ", stdout);
	print_count(frees[FREES_FOREIGN], "foreign free", "; ");
	print_count(frees[FREES_INHERITED], "free", " of blocks from before a fork; ");
	if (findings->image->is_attached)
		print_count(frees[FREES_BEFORE], "free", " of blocks from before the tracker attached; ");
	print_count(frees[FREES_UNKNOWN], "free", " of unknown blocks; ");
	print_count(findings->image->lost, "event", " lost; ");
	if (findings->image->unkept)
		print_count(findings->image->unkept, "block", " whose size the tracker could not keep; ");
	if (findings->image->is_limited)
		printf("allocations behind the limit of %" PRIu64 " byte%s are missing; ", findings->image->limit,
		       plural(findings->image->limit));
	if (findings->image->sample)
		printf("a sample, one in %" PRIu64 " bytes; ", findings->image->sample);
	if (lack)
		printf("%s; ", lack->brief);
	if (*attached_text(words, findings->image))
		printf("attached %s; ", words);
	printf("the trace is %scomplete</system-out>\n  </testsuite>\n", whole ? "" : "not ");
}

static int print_image(const struct findings *findings)
{
	struct json_frames frames = {.stacks = &findings->image->stacks, .resolver = findings->resolver};
	const struct leaks *leaks = &findings->leaks;
	int error = begin_suite(findings);

	for (size_t i = 0; !error && i < leaks->shown; i++)
		error = print_leak(findings, &frames, &leaks->groups[i]);
	if (has_other(leaks))
		print_other(findings);
	for (size_t i = 0; !error && i < count_certain(&findings->frees); i++)
		error = print_wrong_free(findings, &frames, &findings->frees.groups[i]);
	if (findings_are_uncertain(findings))
		print_missing(findings);
	end_suite(findings);
	json_frames_free(&frames);
	return error;
}

static int begin(void)
{
	puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>");
	return 0;
}

static int print_unreadable(const char *name)
{
	int error;

	fputs("  <testsuite name=\"", stdout);
	error = print_name(name);
	fputs("\" tests=\"1\" failures=\"0\" errors=\"1\">\n    <testcase name=\"trace\">\n"
	      "      <error type=\"trace\" message=\"it could not be read\"/>\n"
	      "    </testcase>\n  </testsuite>\n",
	      stdout);
	return error;
}

static int end(const struct totals *totals, const struct suppressions *suppressions)
{
	(void)totals;
	(void)suppressions;
	puts("</testsuites>");
	return 0;
}

const struct findleak_format findleak_junit = {begin, print_image, print_unreadable, end};
