/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a debugger takes out of the memory of a chip: its last records, and what is live. */
#include "emulated.h"
#include "ram.h"
#include "support.h"
#include "trace_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first buffer of KIND in the file "dump", by the rules of ram.h; AREA is its area. */
static struct lm_ram find_buffer(enum lm_ram_kind kind, const unsigned char **area)
{
	size_t size;
	const unsigned char *dump = (const unsigned char *)read_file("dump", &size);
	struct lm_ram found = {0};
	uint32_t words[6];

	for (size_t at = 0; at + sizeof found <= size; at += 4) {
		memcpy(&found, dump + at, sizeof found);
		if (memcmp(found.magic, LM_RAM_MAGIC, LM_RAM_MAGIC_SIZE) != 0)
			continue;
		memcpy(words, &found.order, sizeof words);
		ck_assert_uint_eq(found.order, LM_RAM_ORDER);
		ck_assert_uint_eq(found.version, LM_RAM_VERSION);
		ck_assert_uint_eq(found.check, lm_ram_check(words));
		ck_assert_uint_le(at + found.header + found.preamble + found.capacity, size);
		*area = dump + at + found.header + found.preamble;
		if (found.kind != kind)
			continue;
		write_file("preamble", (const char *)*area - found.preamble, found.preamble);
		return found;
	}
	ck_abort_msg("the dump has no buffer of kind %d", (int)kind);
}

/* What the ring has: from the oldest byte that is to be believed to the last one. */
static void read_ring(const struct lm_ram *ram, const unsigned char *area)
{
	uint32_t from = ram->reserved & ~LM_RAM_WRAPPED, to = ram->position & ~LM_RAM_WRAPPED;
	char *bytes = malloc(ram->capacity);
	uint32_t size = 0;

	if (!(ram->reserved & LM_RAM_WRAPPED))
		from = 0;
	else if (to <= from)
		to += ram->capacity;
	while (from + size < to) {
		bytes[size] = (char)area[(from + size) % ram->capacity];
		size++;
	}
	write_file("ring", bytes, size);
	free(bytes);
	/* The rest of a record whose beginning was overwritten. */
	must(run("{ cat preamble; if %s; then sed '1,/^/{/^[+#]/!d}' ring; else cat ring; fi; } >trace",
	         ram->reserved & LM_RAM_WRAPPED && ram->format != LM_FORMAT_PACKED ? "true" : "false"));
}

START_TEST(the_last_records_can_be_taken_out_of_the_memory)
{
	/* A ring that was not full, and one that began anew several times. */
	const bool is_full = _i % 2;
	const unsigned char *area;
	struct lm_ram ram;
	char flags[100];

	if (!can_emulate("the_last_records_can_be_taken_out_of_the_memory", M3))
		return;
	snprintf(flags, sizeof flags, "-DFORMAT=LOG_MALLOC_%s -DROUNDS=%d", image_formats[_i / 2], is_full ? 500 : 5);
	run_image(M3, "dump", flags, "");
	ram = find_buffer(LM_RAM_RECORDS, &area);
	ck_assert_uint_eq(ram.position, ram.reserved);
	ck_assert_uint_eq(!!(ram.position & LM_RAM_WRAPPED), is_full);
	read_ring(&ram, area);
	must(run("$B/log-malloc-cat trace >text 2>messages"));
	ck_assert_int_eq(run("grep -q '^+ calloc 32 .* (4 8)$' text").status, 0);
	ck_assert_int_eq(run("[ $(grep -c '^+ free' text) %s 5 ]", is_full ? "-gt" : "=").status, 0);
	if (!is_full)
		marked_lines_leak("trace", "dump.c");
}
END_TEST

START_TEST(what_is_live_can_be_taken_out_of_the_memory)
{
	const struct lm_ram_entry *entries;
	const unsigned char *area;
	struct lm_ram ram;
	FILE *trace;

	if (!can_emulate("what_is_live_can_be_taken_out_of_the_memory", M3))
		return;
	run_image(M3, "dump", "-DFORMAT=LOG_MALLOC_PACKED -DROUNDS=1000", "");
	ram = find_buffer(LM_RAM_LIVE, &area);
	entries = (const struct lm_ram_entry *)(const void *)area;
	trace = fopen(must(run("printf %%s $PWD/live")).out, "w");
	for (uint32_t i = 0; i < ram.capacity / sizeof *entries; i++) {
		uint32_t size = entries[i].size & LM_RAM_SIZE_MAX;

		if (!entries[i].block || entries[i].size >> LM_RAM_SIZE_BITS == LM_RAM_THREAD_OTHER)
			continue;
		fprintf(trace, "+ malloc %u 0x%x [%u:0]\n[0x%x]\n", size, entries[i].block, size, entries[i].caller);
	}
	fclose(trace);
	must(run("cat preamble live >trace"));
	marked_lines_leak("trace", "dump.c");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chip_memory");

	TIMES(the_last_records_can_be_taken_out_of_the_memory, FORMATS * 2);
	ONCE(what_is_live_can_be_taken_out_of_the_memory);
	return run_suite(suite);
}
