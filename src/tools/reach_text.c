/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See reach_text.h. */
#include "reach_text.h"
#include "estimate.h"
#include "shell_quote.h"

#include <inttypes.h>

const char *reach_words(enum reach reach)
{
	static const char *const words[REACH_KINDS + 1] = {[REACH_LOST] = "definitely lost",
	                                                   [REACH_INDIRECT] = "indirectly lost",
	                                                   [REACH_POSSIBLE] = "possibly lost",
	                                                   [REACH_REACHABLE] = "still reachable"};

	return words[reach];
}

/* "BEFORE3 MOREblocks, 120 bytes BEHIND", if there are any. */
static void print_some(const struct leaks_sum *sum, const char *before, const char *more, const char *behind, FILE *out)
{
	const struct amount *held = &sum->held;

	if (!held->count)
		return;
	fprintf(out, "%s%s%" PRIu64 " %sblock%s, ", before, about(held), held->count, more, plural(held->count));
	amount_print_bytes(held, out);
	fprintf(out, " %s", behind);
}

static bool hides_some(const struct findings *findings, enum reach reach)
{
	return findings->leaks.by_reach[reach].held.count && !(findings->kinds >> reach & 1);
}

bool reach_print(const struct findings *findings, FILE *out)
{
	const struct unreached *unreached = findings->unreached;
	const struct leaks_sum *sums = findings->leaks.by_reach;
	const bool is_lost = sums[REACH_LOST].held.count;

	if (!unreached->known)
		return false;
	fprintf(out, "LOOKED AT after %.2f s: ", (double)unreached->at / 1000);
	if (!is_lost)
		fputs("nothing definitely lost", out);
	print_some(&sums[REACH_LOST], "", "", reach_words(REACH_LOST), out);
	print_some(&sums[REACH_INDIRECT], "; ", is_lost ? "more " : "",
	           is_lost ? "only they point to" : "only lost blocks point to", out);
	print_some(&sums[REACH_POSSIBLE], "; ", "", reach_words(REACH_POSSIBLE), out);
	print_some(&sums[REACH_REACHABLE], "; ", "", reach_words(REACH_REACHABLE), out);
	if (hides_some(findings, REACH_POSSIBLE) || hides_some(findings, REACH_REACHABLE))
		fputs(" (--show=all lists them)", out);
	print_some(&findings->leaks.later, "; ", "", "allocated later, of which that is not known", out);
	if (unreached->is_partial)
		fprintf(out, "; blocks %s were taken for reachable, and what they point to",
		        findings->image->sample ? "that are not in the sample" : "from before the tracker attached");
	fputc('\n', out);
	return true;
}

static void print_row(const char *words, const struct amount *held, FILE *out)
{
	fprintf(out, "%18s: %s%" PRIu64 " bytes in %s%" PRIu64 " blocks\n", words, about(held), held->bytes,
	        about(held), held->count);
}

static void print_summary(const struct totals *totals, FILE *out)
{
	fputs("\nLEAK SUMMARY", out);
	if (totals->looked_at < totals->images)
		fprintf(out, " of %" PRIu64 " of %" PRIu64 " processes; nobody looked into the others",
		        totals->looked_at, totals->images);
	fputs(":\n", out);
	/* As memcheck has it, for scripts: without a singular. */
	for (enum reach reach = 0; reach < REACH_KINDS; reach++)
		print_row(reach_words(reach), &totals->by_reach[reach].held, out);
	print_row("suppressed", &totals->suppressed.held, out);
}

static void print_hint(const struct totals *totals, FILE *out)
{
	if (!totals->unknown && !totals->unknown_running)
		return;
	fprintf(out,
	        "\nNOT KNOWN: which of these blocks pointers still lead to. All that is known is that they were not "
	        "released%s.\nTo know what is lost, ",
	        totals->attached ? " while the tracker was there" : "");
	if (totals->unknown_running) {
		fputs("ask while the process runs: log-malloc-findleak --lost ", out);
		shell_quote(out, totals->unknown_running);
		fputs(totals->unknown ? "\nand of other programs, " : "\n", out);
	}
	if (totals->unknown)
		fputs("run the program with: log-malloc --lost -o FILE CMD\n", out);
}

void reach_print_totals(const struct totals *totals, FILE *out)
{
	if (totals->looked_at)
		print_summary(totals, out);
	print_hint(totals, out);
}
