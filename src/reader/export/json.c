/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See json.h. */
#include "json.h"
#include "flavour.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { UTF8_MAX = 4 };

/* The number of bytes of the character at TEXT; 0 if jansson does not accept it. */
static size_t character_length(const char *text, size_t len)
{
	for (size_t n = 1; n <= UTF8_MAX && n <= len; n++) {
		json_t *character = json_stringn(text, n);

		json_decref(character);
		if (character)
			return n;
	}
	return 0;
}

/* A byte in the way that tables show it. */
static size_t write_octal(char *to, unsigned char byte)
{
	to[0] = '\\';
	to[1] = (char)('0' + (byte >> 6));
	to[2] = (char)('0' + (byte >> 3 & 7));
	to[3] = (char)('0' + (byte & 7));
	return 4;
}

static json_t *escaped_name(const char *text, size_t len)
{
	char *shown = reallocarray(NULL, len, 4);
	json_t *name;
	size_t used = 0;

	if (!shown)
		return NULL;
	for (size_t i = 0; i < len;) {
		size_t n = character_length(text + i, len - i);

		if (n)
			memcpy(shown + used, text + i, n);
		used += n ? n : write_octal(shown + used, (unsigned char)text[i]);
		i += n ? n : 1;
	}
	name = json_stringn(shown, used);
	free(shown);
	return name;
}

json_t *json_name(const char *text, size_t len)
{
	json_t *name;

	if (!text)
		return json_null();
	name = json_stringn(text, len);
	return name ? name : escaped_name(text, len);
}

json_t *json_number(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *json_address(uint64_t address)
{
	return json_sprintf("0x%" PRIx64, address);
}

json_t *json_thread(const struct threads *threads, uint32_t place)
{
	const struct thread *thread = threads_get(threads, place);

	if (!thread->number)
		return json_null();
	return json_pack("{s:o,s:o,s:o}", "number", json_number(thread->number), "tid",
	                 thread->tid ? json_number(thread->tid) : json_null(), "name",
	                 json_name(thread->tid ? thread->name : NULL, strlen(thread->name)));
}

static json_t *name_of(const char *text)
{
	return json_name(text, text ? strlen(text) : 0);
}

static json_t *known_address(bool known, uint64_t address)
{
	return known ? json_address(address) : json_null();
}

int json_add_frame(json_t *backtrace, const struct frame *frame, const struct resolved *resolved)
{
	for (size_t i = 0; i < resolved->places.count; i++) {
		const struct symbols_place *place = &resolved->places.places[i];
		json_t *object = json_pack(
			"{s:o,s:o,s:o,s:b,s:o,s:o,s:o}", "function", name_of(place->function), "file",
			name_of(place->file), "line", place->line > 0 ? json_integer(place->line) : json_null(),
			"inlined", place->inlined, "module", name_of(resolved->module[0] ? resolved->module : NULL),
			"offset", known_address(resolved->has_offset, resolved->offset), "address",
			known_address(frame->has_address, frame->address));

		if (object && resolved->guessed && json_object_set_new(object, "guessed", json_true()) != 0) {
			json_decref(object);
			object = NULL;
		}
		if (!object || json_array_append_new(backtrace, object) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* Makes an array of places for a frame of the trace. */
static json_t *make_frame(const struct json_frames *frames, uint32_t number)
{
	struct stacks_frame text = stacks_frame_at(frames->stacks, number);
	json_t *places = json_array();
	struct resolved resolved;
	struct frame frame;

	if (places && frame_parse(text.text, text.len, &frame) == 0 &&
	    (resolve_frame(frames->resolver, &frame, &resolved) != 0 ||
	     json_add_frame(places, &frame, &resolved) != 0)) {
		json_decref(places);
		return NULL;
	}
	return places;
}

static bool make_room(struct json_frames *frames)
{
	size_t count = frames->stacks->frame_count;
	json_t **grown;

	if (frames->count >= count)
		return true;
	grown = reallocarray(frames->frames, count, sizeof(json_t *));
	if (!grown)
		return false;
	memset(grown + frames->count, 0, (count - frames->count) * sizeof(json_t *));
	frames->frames = grown;
	frames->count = count;
	return true;
}

json_t *json_backtrace(struct json_frames *frames, uint32_t stack)
{
	struct stack numbers = stacks_get(frames->stacks, stack);
	json_t *backtrace = json_array();
	bool made = backtrace && make_room(frames);

	for (size_t i = 0; made && i < numbers.depth; i++) {
		json_t **places = &frames->frames[numbers.frames[i]];

		if (!*places)
			*places = make_frame(frames, numbers.frames[i]);
		made = *places && json_array_extend(backtrace, *places) == 0;
	}
	if (made)
		return backtrace;
	json_decref(backtrace);
	return NULL;
}

void json_frames_free(struct json_frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		json_decref(frames->frames[i]);
	free(frames->frames);
	frames->frames = NULL;
	frames->count = 0;
}

static const char *const endings[TRACE_ENDINGS] = {
	[TRACE_CUT] = "unknown",       [TRACE_FINISHED] = "ended",     [TRACE_REPLACED] = "replaced",
	[TRACE_RUNNING] = "running",   [TRACE_KILLED] = "killed",      [TRACE_ENDLESS] = "endless",
	[TRACE_DETACHED] = "detached", [TRACE_CONTINUED] = "continued"};

/* When the tracker came into the process, and what was in use then. */
static json_t *attached(const struct trace_image *image)
{
	if (!image->is_attached)
		return json_null();
	return json_pack("{s:o,s:o}", "began", image->has_clock ? json_number(image->clock) : json_null(), "before",
	                 image->has_before ? json_number(image->before) : json_null());
}

json_t *json_image(const struct trace_image *image, uint64_t malformed, bool ends_early)
{
	const struct flavour_lack *lack = flavour_lack(image);
	bool ended = (image->finished || image->replaced) && !ends_early;

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:b,s:s,s:o,s:o,s:o,s:o,s:o,s:o*}", "program",
	                 name_of(image->exe), "title", name_of(*image->title ? image->title : NULL), "pid",
	                 image->has_pid ? json_number(image->pid) : json_null(), "parent",
	                 image->parent ? json_number(image->parent) : json_null(), "flavour", name_of(image->flavour),
	                 "attached", attached(image), "unseen", name_of(lack ? lack->unseen : NULL), "advice",
	                 name_of(lack ? lack->advice : NULL), "complete",
	                 image->begun && ended && !image->is_partial && !trace_is_missing_some(image) && !malformed,
	                 "begun", image->begun, "ended", ended, "state", endings[image->ending], "signal",
	                 image->signal ? json_number(image->signal) : json_null(), "lost", json_number(image->lost),
	                 "unkept", json_number(image->unkept), "limit",
	                 image->is_limited ? json_number(image->limit) : json_null(), "malformed",
	                 json_number(malformed), "sample", image->sample ? json_number(image->sample) : NULL);
}

static json_t *edge(const struct window_edge *edge)
{
	if (edge->kind == WINDOW_OPEN)
		return json_null();
	return json_pack("{s:o,s:o,s:o}", "moment", name_of(edge->text), "line",
	                 edge->is_reached ? json_number(edge->line) : json_null(), "time",
	                 edge->is_reached ? json_number(edge->moment) : json_null());
}

json_t *json_window(const struct window *window)
{
	if (!window_is_set(window))
		return json_null();
	return json_pack("{s:o,s:o}", "since", edge(&window->since), "until", edge(&window->until));
}
