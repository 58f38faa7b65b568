/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See chip.h. */
#include "chip.h"
#include "packed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AT(name) offsetof(struct lm_ram, name)

void chip_put32(struct chip *chip, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		chip->memory[at + (chip->is_big ? 3 - i : i)] = (unsigned char)(value >> 8 * i);
}

static uint32_t get32(const struct chip *chip, size_t at)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		value |= (uint32_t)chip->memory[at + (chip->is_big ? 3 - i : i)] << 8 * i;
	return value;
}

void chip_check(struct chip *chip)
{
	uint32_t words[6];

	for (size_t i = 0; i < 6; i++)
		words[i] = get32(chip, AT(order) + 4 * i);
	chip_put32(chip, AT(check), lm_ram_check(words));
}

void chip_begin(struct chip *chip, const char *head)
{
	size_t len = strlen(head), preamble = (len + 7) & ~(size_t)7;

	memset(chip->memory, 0, sizeof chip->memory);
	memcpy(chip->memory, LM_RAM_MAGIC, LM_RAM_MAGIC_SIZE);
	chip->memory[AT(order)] = chip->is_big ? LM_RAM_ORDER >> 8 : LM_RAM_ORDER & 0xff;
	chip->memory[AT(order) + 1] = chip->is_big ? LM_RAM_ORDER & 0xff : LM_RAM_ORDER >> 8;
	chip->memory[AT(version)] = LM_RAM_VERSION;
	chip->memory[AT(pointer_size)] = (unsigned char)chip->pointer_size;
	chip->memory[AT(kind)] = (unsigned char)chip->kind;
	chip->memory[AT(format)] = (unsigned char)chip->format;
	chip->memory[AT(block_shift)] = (unsigned char)chip->block_shift;
	chip_put32(chip, AT(header), sizeof(struct lm_ram));
	chip_put32(chip, AT(preamble), (uint32_t)preamble);
	chip_put32(chip, AT(capacity), chip->capacity);
	chip_put32(chip, AT(caller_high), chip->caller_high);
	memset(chip->memory + sizeof(struct lm_ram), ' ', preamble);
	memcpy(chip->memory + sizeof(struct lm_ram), head, len - 1);
	chip->area = sizeof(struct lm_ram) + preamble;
	chip->memory[chip->area - 1] = '\n';
	chip->size = chip->area + chip->capacity;
	chip->position = chip->reserved = 0;
	chip_check(chip);
}

void chip_reserve(struct chip *chip, size_t size)
{
	uint32_t wrapped = chip->position & LM_RAM_WRAPPED;
	uint32_t end = (chip->position & ~LM_RAM_WRAPPED) + (uint32_t)size;

	if (end >= chip->capacity) {
		end -= chip->capacity;
		wrapped = LM_RAM_WRAPPED;
	}
	chip->reserved = end | wrapped;
	chip_put32(chip, AT(reserved), chip->reserved);
}

void chip_write(struct chip *chip, const void *record, size_t written)
{
	const unsigned char *bytes = record;
	uint32_t at = chip->position & ~LM_RAM_WRAPPED;

	for (size_t i = 0; i < written; i++)
		chip->memory[chip->area + (at + i) % chip->capacity] = bytes[i];
}

void chip_finish(struct chip *chip)
{
	chip->position = chip->reserved;
	chip_put32(chip, AT(position), chip->position);
}

void chip_add(struct chip *chip, const void *record, size_t size)
{
	chip_reserve(chip, size);
	chip_write(chip, record, size);
	chip_finish(chip);
}

void chip_set_live(struct chip *chip, size_t index, uint64_t block, uint32_t size, unsigned thread, uint64_t caller)
{
	size_t at = chip->area + index * sizeof(struct lm_ram_entry);

	chip_put32(chip, at + offsetof(struct lm_ram_entry, block), (uint32_t)(block >> chip->block_shift));
	chip_put32(chip, at + offsetof(struct lm_ram_entry, size), size | (uint32_t)thread << LM_RAM_SIZE_BITS);
	chip_put32(chip, at + offsetof(struct lm_ram_entry, caller), (uint32_t)caller);
}

size_t chip_fill(const struct chip *chip, char *line)
{
	size_t len = strlen(line);

	while (chip->format == LM_FORMAT_PACKED && len % 8) {
		line[len - 1] = ' ';
		line[len++] = '\n';
		line[len] = '\0';
	}
	return len;
}

/* ---- the program --------------------------------------------------------------- */

enum { CODE = 0x8000000, OTHERS = 11 };

bool chip_is_event(size_t i)
{
	return i % OTHERS != OTHERS - 1;
}

/* Event number N. */
static struct chip_event nth_event(const struct chip *chip, size_t n)
{
	uint64_t high = chip->pointer_size == 8 ? UINT64_C(0x3f00000000) : 0;
	bool is_free = n % 3 == 2;
	size_t of = is_free ? n - 1 : n;

	return (struct chip_event){.is_free = is_free,
	                           .pointer = high + 0x20001000 + 16 * (of % 500),
	                           .size = 10 + 7 * (of % 300),
	                           .frame = is_free ? 0 : CODE + 2 * (1000 + 17 * (of % 7))};
}

struct chip_event chip_event(const struct chip *chip, size_t i)
{
	return nth_event(chip, i - i / OTHERS);
}

/* The bytes in use behind event number N. */
static uint64_t used_behind(const struct chip *chip, size_t n)
{
	uint64_t used = 0;

	for (size_t i = 0; i <= n; i++) {
		struct chip_event event = nth_event(chip, i);

		used += event.is_free ? -event.size : event.size;
	}
	return used;
}

static size_t put_words(const struct chip_event *event, char record[CHIP_RECORD])
{
	uint64_t words[2] = {
		lm_packed_bytes(lm_packed_first(event->is_free ? LM_PACKED_FREE : LM_PACKED_MALLOC, 1, event->pointer)),
		lm_packed_bytes(lm_packed_block(LM_PACKED_SLACK_NONE, event->size, (event->frame - CODE) / 2))};

	memcpy(record, words, sizeof words);
	return event->is_free ? sizeof *words : sizeof words;
}

size_t chip_record(const struct chip *chip, size_t i, char record[CHIP_RECORD])
{
	struct chip_event event = chip_event(chip, i);
	uint64_t used = used_behind(chip, i - i / OTHERS);

	if (!chip_is_event(i)) {
		snprintf(record, CHIP_RECORD, "# TIME %zu\n", i);
		return chip_fill(chip, record);
	}
	if (chip->format == LM_FORMAT_PACKED)
		return put_words(&event, record);
	if (event.is_free)
		return (size_t)snprintf(record, CHIP_RECORD, "+ free -%" PRIu64 " 0x%" PRIx64 " [%" PRIu64 ":0]\n",
		                        event.size, event.pointer, used);
	if (chip->format == LM_FORMAT_COMPACT)
		return (size_t)snprintf(record, CHIP_RECORD,
		                        "+ malloc %" PRIu64 " 0x%" PRIx64 " [%" PRIu64 ":0] bt=%" PRIu64 "\n",
		                        event.size, event.pointer, used, (event.frame - CODE) / 2);
	return (size_t)snprintf(record, CHIP_RECORD,
	                        "+ malloc %" PRIu64 " 0x%" PRIx64 " [%" PRIu64 ":0]\n[0x%" PRIx64 "]\n", event.size,
	                        event.pointer, used, event.frame);
}

size_t chip_head(const struct chip *chip, char head[CHIP_HEAD])
{
	static const char *const formats[] = {"full", "compact", "packed"};
	char lines[7][80] = {"# PID 1\n", "# FLAVOUR embedded\n"};
	size_t len = 0;

	snprintf(lines[2], 80, "# FORMAT %s\n", formats[chip->kind == LM_RAM_LIVE ? LM_FORMAT_FULL : chip->format]);
	snprintf(lines[3], 80, "# MODULE 0-%s 0 - app.elf\n",
	         chip->pointer_size == 4 ? "ffffffff" : "ffffffffffffffff");
	snprintf(lines[4], 80, "# CALLERS %x 2\n", CODE);
	snprintf(lines[5], 80, "# THREAD 1 0 main\n");
	snprintf(lines[6], 80, "+ INIT [0:0]\n");
	for (size_t i = 0; i < 7; i++) {
		size_t size = chip_fill(chip, lines[i]);

		memcpy(head + len, lines[i], size + 1);
		len += size;
	}
	return len;
}
