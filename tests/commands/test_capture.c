/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes from a chip, through the commands: a capture of its serial line, and a dump of its memory. */
#include "chip.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char noise[] = "ets Jun  8 2016\r\n\r\nrst:0x1 (POWERON_RESET)\r\n\xff\xfe\x80\r\n";

static const struct chip chips[] = {
	{.pointer_size = 4, .format = LM_FORMAT_FULL},
	{.pointer_size = 4, .format = LM_FORMAT_COMPACT},
	{.pointer_size = 4, .format = LM_FORMAT_PACKED},
};
enum { CHIPS = sizeof chips / sizeof *chips, RECORDS = 45 };

/* Writes ./NAME: STARTS starts of the chip, with noise in front of each and after every tenth record, if WITH_NOISE. */
static void write_capture(const char *name, const struct chip *chip, unsigned starts, bool with_noise)
{
	char *bytes = NULL, head[CHIP_HEAD], record[CHIP_RECORD];
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	for (unsigned start = 0; start < starts; start++) {
		if (with_noise)
			fwrite(noise, 1, sizeof noise - 1, out);
		fwrite(head, 1, chip_head(chip, head), out);
		for (size_t i = 0; i < RECORDS; i++) {
			fwrite(record, 1, chip_record(chip, i, record), out);
			if (with_noise && i % 10 == 9)
				fputs("I (123) main: hello\r\n", out);
		}
	}
	fclose(out);
	write_file(name, bytes, len);
	free(bytes);
}

START_TEST(a_capture_is_written_as_if_there_had_been_no_noise)
{
	const struct chip *chip = &chips[_i];
	struct run r;

	write_capture("clean", chip, 1, false);
	write_capture("noisy", chip, 1, true);
	r = must(run("$B/log-malloc-cat clean >c && $B/log-malloc-cat noisy >n && cmp c n"));
	ck_assert_msg(strstr(r.err, "log-malloc-cat: noisy: ") &&
	                      strstr(r.err, " bytes are no part of the trace: left out"),
	              "%s", r.err);
	/* What was written is a trace of which nothing is to be said. */
	ck_assert_str_eq(must(run("$B/log-malloc-cat n >m && cmp m n")).err, "");
	must(run("sed 's/$/\\r/' clean >returns; $B/log-malloc-cat returns >r 2>err; cmp c r"));
	must(run("zstd -q noisy 2>err || gzip <noisy >noisy.zst; $B/log-malloc-cat - <noisy.zst >z && cmp c z"));
	/* The other commands read the capture itself. */
	must(run("for t in c noisy; do $B/log-malloc-findleak -n $t | sed 's/line: [0-9]*//' >f.$t;"
	         "$B/log-malloc-report -n --format=folded $t >r.$t; $B/log-malloc-trackusage $t >t.$t; done 2>err;"
	         "cmp f.c f.noisy && cmp r.c r.noisy && cmp t.c t.noisy && [ $(wc -l <r.c) -ge 7 ]"));
}
END_TEST

START_TEST(a_trace_of_any_program_can_come_over_a_link)
{
	static const char *const names[] = {"full", "compact"};

	for (size_t i = 0; i < 2; i++) {
		/* On a console, the kernel's messages stand between the lines, and behind the memory map. */
		must(run("t=$S/tests/golden/%s.trace; { printf 'U-Boot 2020.01\\r\\nStarting kernel\\r\\n\\377\\0\\0';"
		         "sed 's/$/\r/; 20~7i [   12.3] usb 1-1: new device\r' $t; printf 'reboot: halted\r\n'; } "
		         ">noisy;"
		         "$B/log-malloc-cat $t >c && $B/log-malloc-cat noisy >n 2>err && cmp c n &&"
		         "grep -q 'noisy: [0-9]* bytes are no part of the trace: left out$' err && [ $(wc -l <err) = 1 "
		         "]",
		         names[i]));
	}
}
END_TEST

START_TEST(damaged_records_are_counted_and_make_the_result_uncertain)
{
	struct run r;

	write_capture("clean", &chips[_i], 1, false);
	must(run("size=$(stat -c %%s clean); { head -c $((size / 2)) clean; tail -c +$((size / 2 + 7)) clean; } "
	         ">damaged"));
	r = run("$B/log-malloc-cat damaged");
	ck_assert_int_eq(r.status, 0);
	ck_assert_ptr_nonnull(strstr(r.out, "\n# LOST "));
	ck_assert_msg(strstr(r.err, " damaged record"), "%s", r.err);
	r = run("$B/log-malloc-findleak -n --max-bytes 1G damaged");
	ck_assert_int_eq(r.status, 1);
	r = run("$B/log-malloc-findleak -n --max-bytes 1G clean");
	ck_assert_int_eq(r.status, 0);
}
END_TEST

START_TEST(each_start_of_the_chip_is_an_image)
{
	struct run r;

	write_capture("one", &chips[_i], 1, false);
	write_capture("three", &chips[_i], 3, true);
	r = must(run("$B/log-malloc-cat one >1; $B/log-malloc-cat three >3; [ $(grep -c '^# PID' 3) = 3 ]"));
	ck_assert_msg(
		strstr(r.err, "three: 3 traces, one for each start of the chip: --boot 3 writes the last one alone"),
		"%s", r.err);
	for (int boot = 1; boot <= 3; boot++) {
		r = must(run("$B/log-malloc-cat --boot %d three >b && cmp 1 b", boot));
		ck_assert_ptr_null(strstr(r.err, "--boot"));
	}
	r = run("$B/log-malloc-cat --boot=4 three");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "there is no number 4: the last one is 3"));
	r = run("$B/log-malloc-findleak -n three");
	ck_assert_ptr_nonnull(strstr(r.out, "IMAGE 1: process 1 (lines "));
	ck_assert_ptr_nonnull(strstr(r.out, ", then the chip started again)"));
	ck_assert_ptr_nonnull(strstr(r.out, "IMAGE 3: process 1 (lines "));
}
END_TEST

/* Writes ./dump, in which the chip's buffer is somewhere. Its program has recorded so many records. */
static void write_dump(struct chip *chip, size_t records)
{
	static unsigned char dump[3 * CHIP_MEMORY];
	char head[CHIP_HEAD], record[CHIP_RECORD];

	chip_head(chip, head);
	chip_begin(chip, head);
	for (size_t i = 0; i < records; i++)
		chip_add(chip, record, chip_record(chip, i, record));
	memset(dump, 0xa5, sizeof dump);
	memcpy(dump + 4711, chip->memory, chip->size);
	write_file("dump", (const char *)dump, sizeof dump);
}

START_TEST(the_last_records_are_taken_out_of_a_dump)
{
	struct chip chip = chips[_i];

	chip.kind = LM_RAM_RECORDS;
	chip.capacity = 4096;
	chip.is_big = _i & 1;
	write_capture("clean", &chip, 1, false);
	write_dump(&chip, RECORDS);
	must(run(
		"$B/log-malloc-cat clean >c && $B/log-malloc-cat --ram dump >d && cmp c d &&"
		"$B/log-malloc-cat --ram - <dump >e && cmp c e && $B/log-malloc-cat --compact --ram=dump |"
		"$B/log-malloc-cat - >f && $B/log-malloc-findleak -n f >g; [ $? = 1 ] && grep 'SUSPECTED 15 LEAKS' g"));
	/* A ring that was full has the last ones, and no beginning. */
	chip.capacity = 512;
	write_dump(&chip, RECORDS);
	must(run("$B/log-malloc-cat --ram dump >d; ! grep INIT d || exit 1;"
	         "events() { grep '^+ [mf]' $1 | sed 's/ \\[.*//; s/free -[0-9]*/free/'; }; events d >events;"
	         "events c | tail -n $(wc -l <events) | cmp - events && [ $(wc -l <events) -ge 8 ]"));
}
END_TEST

START_TEST(what_is_live_is_taken_out_of_a_dump)
{
	struct chip chip = chips[0];
	static unsigned char dump[CHIP_MEMORY + 3];
	char head[CHIP_HEAD];
	struct run r;

	chip.kind = LM_RAM_LIVE;
	chip.capacity = 16 * sizeof(struct lm_ram_entry);
	chip_head(&chip, head);
	chip_begin(&chip, head);
	chip_set_live(&chip, 2, 0x20001000, 100, 1, 0x8000124);
	chip_set_live(&chip, 5, 0x20001080, 30, 1, 0x8000124);
	chip_set_live(&chip, 9, 0x20002000, 500, 3, 0x8000200);
	memcpy(dump + 3, chip.memory, CHIP_MEMORY);
	write_file("dump", (const char *)dump, sizeof dump);
	r = must(run("$B/log-malloc-cat --ram dump | sed -n '/^# LIVE/,$p'"));
	ck_assert_str_eq(r.out, "# LIVE 3\n"
	                        "+ malloc 100 0x20001000 [100:0] thread=1\n"
	                        "[0x8000124]\n"
	                        "+ malloc 30 0x20001080 [130:0] thread=1\n"
	                        "[0x8000124]\n"
	                        "+ malloc 500 0x20002000 [630:0] thread=3\n"
	                        "[0x8000200]\n");
	r = run("$B/log-malloc-cat --ram dump | $B/log-malloc-findleak -n -");
	ck_assert_int_eq(r.status, 1);
	ck_assert_ptr_nonnull(strstr(r.out, "leaked 130 bytes"));
	ck_assert_ptr_nonnull(strstr(r.out, "leaked 500 bytes"));
}
END_TEST

START_TEST(what_is_no_dump_is_refused)
{
	static const char *const arguments[] = {"--ram nothing", "--ram .",         "--ram empty",   "--ram text",
	                                        "--ram cut",     "--ram text text", "--boot 0 text", "--boot x text"};
	struct chip chip = chips[2];
	struct run r;

	chip.kind = LM_RAM_RECORDS;
	chip.capacity = 512;
	write_dump(&chip, RECORDS);
	must(run(": >empty; echo text >text; head -c 5000 dump >cut"));
	are_refused("log-malloc-cat", arguments, sizeof arguments / sizeof *arguments);
	r = run("$B/log-malloc-cat --ram text");
	ck_assert_str_eq(r.err, "log-malloc-cat: text: there is no trace of a chip in this memory dump\n");
	r = run("$B/log-malloc-cat --ram cut");
	ck_assert_msg(strstr(r.err, "cut: the buffer at offset 4711 goes on behind the end of the dump: not used\n"),
	              "%s", r.err);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture");

	TIMES(a_capture_is_written_as_if_there_had_been_no_noise, CHIPS);
	TIMES(damaged_records_are_counted_and_make_the_result_uncertain, CHIPS);
	TIMES(each_start_of_the_chip_is_an_image, CHIPS);
	TIMES(the_last_records_are_taken_out_of_a_dump, CHIPS);
	ONCE(a_trace_of_any_program_can_come_over_a_link);
	ONCE(what_is_live_is_taken_out_of_a_dump);
	ONCE(what_is_no_dump_is_refused);
	return run_suite(suite);
}
