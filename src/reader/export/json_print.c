/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See json_print.h. */
#include "json_print.h"
#include "array.h"
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So much text is collected before it is written. */
enum { TEXT_MAX = 1 << 16 };

/* The longest that a byte can become: \u007f. */
enum { ESCAPE_LENGTH = 6 };

/* ---- text ----------------------------------------------------------------- */

static bool make_room(struct json_printer *printer, size_t len)
{
	char *grown = array_grow(printer->text, &printer->room, printer->len + len, 1);

	if (!grown)
		return false;
	printer->text = grown;
	return true;
}

static void append(struct json_printer *printer, const char *text, size_t len)
{
	if (printer->error)
		return;
	if (!make_room(printer, len)) {
		printer->error = -ENOMEM;
		return;
	}
	memcpy(printer->text + printer->len, text, len);
	printer->len += len;
}

static void escape_control(struct json_printer *printer, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[ESCAPE_LENGTH] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};

	memcpy(printer->text + printer->len, escape, sizeof escape);
	printer->len += sizeof escape;
}

/*
 * Takes a part of the text that jansson makes, which is UTF-8 without the characters
 * below U+0020. Those from U+007F to U+009F are written as \u00XX: they mean the same
 * to a reader of JSON, and nothing to a terminal. From U+0080 on, they have 0xc2 as
 * their first byte, and as their second the character's number.
 */
static int take_part(const char *text, size_t len, void *context)
{
	struct json_printer *printer = context;

	if (!make_room(printer, len * ESCAPE_LENGTH))
		return -1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool second = printer->len && (unsigned char)printer->text[printer->len - 1] == 0xc2;

		if (second && c <= 0x9f)
			printer->len--;
		if (c == 0x7f || (second && c <= 0x9f))
			escape_control(printer, c);
		else
			printer->text[printer->len++] = text[i];
	}
	return 0;
}

/* The content of an array or object, without its brackets. */
static void print_content(struct json_printer *printer, const json_t *value)
{
	if (!printer->error &&
	    (!value || json_dump_callback(value, take_part, printer, JSON_COMPACT | JSON_EMBED) != 0))
		printer->error = -ENOMEM;
}

static void write_out(struct json_printer *printer)
{
	if (!printer->error && fwrite(printer->text, 1, printer->len, printer->out) != printer->len)
		printer->error = -EIO;
	printer->len = 0;
}

/* ---- pieces --------------------------------------------------------------- */

static void separate(struct json_printer *printer)
{
	if (printer->len >= TEXT_MAX)
		write_out(printer);
	if (printer->follows)
		append(printer, ",", 1);
	printer->follows = true;
}

void json_print_open(struct json_printer *printer, const char *name, char bracket)
{
	separate(printer);
	if (name) {
		append(printer, "\"", 1);
		append(printer, name, strlen(name));
		append(printer, "\":", 2);
	}
	append(printer, &bracket, 1);
	printer->follows = false;
}

void json_print_close(struct json_printer *printer, char bracket)
{
	append(printer, &bracket, 1);
	printer->follows = true;
}

void json_print_members(struct json_printer *printer, json_t *object)
{
	separate(printer);
	print_content(printer, object);
	json_decref(object);
}

/* ---- frames --------------------------------------------------------------- */

static bool print_known(struct json_printer *printer, uint64_t key)
{
	uint32_t place = hash_find_number(&printer->known, key);

	if (place == HASH_NONE)
		return false;
	separate(printer);
	append(printer, printer->frames[place].text, printer->frames[place].len);
	return true;
}

/* Keeps the text that was printed from START on. */
static int keep(struct json_printer *printer, uint64_t key, size_t start)
{
	struct json_frame_text *grown =
		array_grow(printer->frames, &printer->frame_room, printer->frame_count + 1, sizeof *grown);
	size_t len = printer->len - start;
	char *text;

	if (!grown)
		return -ENOMEM;
	printer->frames = grown;
	text = pool_copy(&printer->pool, printer->text + start, len);
	if (!text || hash_set_number(&printer->known, key, (uint32_t)printer->frame_count) != 0)
		return -ENOMEM;
	grown[printer->frame_count++] = (struct json_frame_text){text, len};
	return 0;
}

static void print_new(struct json_printer *printer, uint64_t key, const struct frame *frame,
                      const struct resolved *resolved)
{
	json_t *places = json_array();
	size_t start;

	if (!places || json_add_frame(places, frame, resolved) != 0)
		printer->error = -ENOMEM;
	separate(printer);
	start = printer->len;
	print_content(printer, places);
	if (!printer->error)
		printer->error = keep(printer, key, start);
	json_decref(places);
}

static void print_frame(struct json_printer *printer, const struct stacks *stacks, const struct resolver *resolver,
                        uint32_t number)
{
	struct stacks_frame text = stacks_frame_at(stacks, number);
	struct resolved resolved;
	struct frame frame;

	/* The stacks contain only valid frames. */
	if (frame_parse(text.text, text.len, &frame) != 0 || resolve_frame(resolver, &frame, &resolved) != 0)
		printer->error = -ENOMEM;
	else
		print_new(printer, number, &frame, &resolved);
}

void json_print_backtrace(struct json_printer *printer, const struct stacks *stacks, const struct resolver *resolver,
                          uint32_t stack)
{
	struct stack numbers = stacks_get(stacks, stack);

	json_print_open(printer, "backtrace", '[');
	for (size_t i = 0; !printer->error && i < numbers.depth; i++)
		if (!print_known(printer, numbers.frames[i]))
			print_frame(printer, stacks, resolver, numbers.frames[i]);
	json_print_close(printer, ']');
}

static void print_location(struct json_printer *printer, const struct location *location)
{
	struct frame frame = {.address = location->address, .has_address = location->has_address};
	struct resolved resolved = {.places = location->places,
	                            .guessed = location->guessed,
	                            .has_offset = location->has_offset,
	                            .offset = location->offset};

	if (location->module)
		memcpy(resolved.module, location->module, strlen(location->module) + 1);
	print_new(printer, (uintptr_t)location, &frame, &resolved);
}

void json_print_locations(struct json_printer *printer, const struct location *const *locations, size_t depth)
{
	json_print_open(printer, "backtrace", '[');
	for (size_t i = 0; !printer->error && i < depth; i++)
		if (!print_known(printer, (uintptr_t)locations[i]))
			print_location(printer, locations[i]);
	json_print_close(printer, ']');
}

int json_print_end(struct json_printer *printer)
{
	append(printer, "\n", 1);
	write_out(printer);
	free(printer->text);
	free(printer->frames);
	hash_free(&printer->known);
	pool_free(&printer->pool);
	return printer->error;
}
