/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See chip.h. */
#include "chip.h"

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
