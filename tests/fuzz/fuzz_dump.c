/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump of a chip's memory. An input is the dump. Then the magic and the check of the first header are made right,
 * so that what is behind them is reached. What is found is read as a trace, and written again.
 */
#include "dump.h"
#include "export_trace.h"
#include "fuzz.h"
#include "ram.h"
#include "totals.h"

static void read_text(struct dump *dump)
{
	static struct trace trace;
	struct text_out out = {0};
	struct export_trace export = {.out = &out, .format = LM_FORMAT_FULL};
	struct totals totals = {0};
	struct trace_item item;
	char path[FUZZ_PATH_MAX];
	int to = fuzz_file(NULL, 0, path), got;

	fuzz_assert(trace_open_text(&trace, "dump", dump->text, dump->len, NULL) == 0 && text_out_open(&out, to) == 0);
	trace.with_lines = true;
	while ((got = trace_next(&trace, &item)) > 0) {
		fuzz_assert(totals_apply(&totals, &item) == 0);
		fuzz_assert(export_trace(&export, &trace, &item) == 0);
	}
	fuzz_assert(got == 0);
	text_out_close(&out);
	trace_close(&trace);
	close(to);
}

static void extract(const uint8_t *data, size_t len)
{
	struct dump dump;

	fuzz_assert(dump_extract(&dump, data, len, "dump", NULL) == 0);
	fuzz_assert(dump.buffers <= len / sizeof(struct lm_ram));
	fuzz_assert(dump.buffers || !dump.len);
	read_text(&dump);
}

static uint32_t get(const uint8_t *at, bool is_big)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < 4; i++)
		word = word << 8 | at[is_big ? i : 3 - i];
	return word;
}

/* Makes DATA a buffer of either byte order, with the numbers that it has otherwise. */
static void repair(uint8_t *data, size_t len)
{
	const bool is_big = data[offsetof(struct lm_ram, order)] & 1;
	uint32_t words[6], check;

	memcpy(data, LM_RAM_MAGIC, LM_RAM_MAGIC_SIZE);
	data[offsetof(struct lm_ram, order)] = is_big ? LM_RAM_ORDER >> 8 : LM_RAM_ORDER & 0xff;
	data[offsetof(struct lm_ram, order) + 1] = is_big ? LM_RAM_ORDER & 0xff : LM_RAM_ORDER >> 8;
	data[offsetof(struct lm_ram, version)] = LM_RAM_VERSION;
	/* Most numbers would lead out of the dump. */
	for (unsigned i = 0; i < 2; i++) {
		memset(data + offsetof(struct lm_ram, header) + 4 * i + (is_big ? 0 : 2), 0, 2);
		memset(data + offsetof(struct lm_ram, capacity) + (is_big ? 0 : 2), 0, 2);
	}
	for (size_t i = 0; i < 6; i++)
		words[i] = get(data + offsetof(struct lm_ram, order) + 4 * i, is_big);
	check = lm_ram_check(words);
	for (unsigned i = 0; i < 4; i++)
		data[offsetof(struct lm_ram, check) + (is_big ? 3 - i : i)] = (uint8_t)(check >> 8 * i);
	extract(data, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len);

	extract(copy, len);
	if (len >= sizeof(struct lm_ram))
		repair(copy, len);
	free(copy);
	return 0;
}
