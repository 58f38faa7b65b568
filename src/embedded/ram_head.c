/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See ram_head.h. */
#include "ram_head.h"

#include "event.h"
#include "output.h"
#include "session.h"

/* The preamble ends with a line that readers skip, of such a length that the area begins at a multiple of eight. */
static const char filler[] = "# RAM       ";

/* What is left of the memory while the head is written. */
struct room {
	unsigned char *at, *end;
};

static size_t take(const void *bytes, size_t size, void *arg)
{
	struct room *room = arg;

	if (size > (size_t)(room->end - room->at))
		return 0;
	__builtin_memcpy(room->at, bytes, size);
	room->at += size;
	return size;
}

/* The head of a trace, by the writer that all records go to. */
static void put_head(struct room *room, unsigned format)
{
	struct lm_output before = lm_output;

	lm_output = (struct lm_output){.writer = take, .arg = room, .format = format & 3};
	lm_session_send_head();
	lm_output = before;
}

/* Its bytes are nowhere in the program, so that a dump of all memory does not show them. */
static void put_magic(unsigned char *magic, unsigned mask)
{
	static const unsigned char turned[] = {0x93 ^ 0x55, 'L' ^ 0x55, 'M' ^ 0x55, '2' ^ 0x55,
	                                       'R' ^ 0x55,  'A' ^ 0x55, 'M' ^ 0x55, '\n' ^ 0x55};

	for (unsigned i = 0; i < LM_RAM_MAGIC_SIZE; i++)
		((volatile unsigned char *)magic)[i] = (unsigned char)((turned[i] ^ 0x55) & mask);
}

struct lm_ram *lm_ram_begin(void *memory, size_t size, enum lm_ram_kind kind, unsigned format)
{
	struct lm_ram *ram = memory;
	struct room room = {(unsigned char *)(ram + 1), (unsigned char *)memory + size};
	size_t used;

	/* The least that a head, a record and an entry take. */
	if (size < 384 || (uintptr_t)memory % 4)
		return NULL;
	put_magic(ram->magic, 0);
	put_head(&room, format);
	used = (size_t)(room.at - (unsigned char *)memory) + sizeof filler;
	take(filler, sizeof filler - 1 - used % 8, &room);
	take("\n", 1, &room);
	used = (size_t)(room.at - (unsigned char *)memory);
	__builtin_memset(room.at, 0, size - used);
	*ram = (struct lm_ram){
		.order = LM_RAM_ORDER,
		.version = LM_RAM_VERSION,
		.pointer_size = sizeof(void *),
		.kind = (uint8_t)kind,
		.format = (uint8_t)format,
		.block_shift = sizeof(void *) > 4 ? 2 : 0,
		.header = sizeof *ram,
		.preamble = (uint32_t)(used - sizeof *ram),
		.capacity = (uint32_t)(size - used) & ~UINT32_C(7),
		.caller_high = (uint32_t)((uint64_t)lm_event_callers_from() >> 32),
	};
	return ram;
}

void lm_ram_show(struct lm_ram *ram)
{
	uint32_t words[6];

	__builtin_memcpy(words, &ram->order, sizeof words);
	ram->check = lm_ram_check(words);
	put_magic(ram->magic, 0xff);
}
