/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See packed_part.h. Packed records and text stand in one stream, and where a record
 * begins, its first byte tells which it is. Bytes can be missing or damaged anywhere,
 * so that the position is not where a record begins. What is read as a record has to
 * look like one; otherwise the next place is searched where one certainly begins.
 */
#include "packed_part.h"
#include "complain.h"
#include "noise.h"
#include "packed.h"
#include "parse_packed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Bytes that are looked at to search PACKED_CERTAIN bytes. */
enum { SEARCH = 2 * PACKED_CERTAIN };

/* Bytes that are looked at to judge a record by what is behind it. */
enum { AROUND = 128 };

static bool is_text_record(unsigned char byte)
{
	return byte == '+' || byte == '#';
}

/* The text from the position on, at most WANT bytes of it. */
static const char *look(struct trace *trace, size_t want, size_t *len)
{
	const char *text = input_look(&trace->input, want, len);

	if (*len > want)
		*len = want;
	return text;
}

/* The highest address that the trace can have, of a machine whose addresses it says, or of any other. */
static uint64_t highest_address(const struct trace *trace)
{
	bool several;
	const struct mapping *only = maps_only_module(&trace->image.maps, &several);

	return trace->image.is_embedded && only ? only->to : LM_PACKED_ADDRESS_MAX >> 1;
}

/*
 * Does a word certainly begin at TEXT, which has LEN bytes up to the end of what was looked at? BEHIND_LINE: a line
 * ends in front of it.
 */
static bool is_certain(const struct trace *trace, const char *text, size_t len, bool behind_line)
{
	if (len > PACKED_CERTAIN)
		len = PACKED_CERTAIN;
	if (trace->noisy)
		return packed_is_likely(text, len, highest_address(trace), behind_line);
	return packed_is_certain(text, len);
}

/* Does one begin at the position? */
static bool is_certain_here(struct trace *trace)
{
	size_t len;
	const char *text = look(trace, PACKED_CERTAIN, &len);

	return is_certain(trace, text, len, trace->input.pos && text[-1] == '\n');
}

/* A packed record begins at the position. */
static void begin_words(struct input *in)
{
	input_set_phase(in, in->data + in->pos);
	input_begin_words(in);
}

static void begin_section(struct trace *trace)
{
	trace->section = SECTION_PACKED;
	trace->below_text = false;
	begin_words(&trace->input);
}

/* A piece can begin in a record of text, of which the memory map is the longest. */
enum { LINES_OF_A_RECORD = 200 };

/* The trace does not say its format. Does a packed record begin at the position? */
static bool begins_packed(struct trace *trace)
{
	/* Far inside of a file that is no trace, some bytes look like records. */
	if (trace->input.lines > LINES_OF_A_RECORD || !is_certain_here(trace))
		return false;
	begin_section(trace);
	return true;
}

/* Can the byte not be one of a line? */
static bool is_binary(char byte)
{
	return (unsigned char)byte >= LM_PACKED_FREE || (unsigned char)byte < '\t';
}

/*
 * A piece that was cut out of a packed trace can begin in the middle of a packed
 * record. Passes the rest of that. Does another packed record follow?
 */
static bool begins_in_packed(struct trace *trace)
{
	bool binary = false;
	size_t len;
	const char *text = look(trace, SEARCH, &len);

	for (size_t at = 0; at < PARSE_PACKED_MAX && at < len; at++) {
		bool is_packed = is_certain(trace, text + at, len - at, at && text[at - 1] == '\n');

		if (is_packed || (binary && text[at - 1] != '\n' && packed_is_certain_line(text + at, len - at))) {
			input_pass(&trace->input, at, 0);
			trace->input.nuls = false;
			begin_section(trace);
			return is_packed;
		}
		binary |= is_binary(text[at]);
	}
	return false;
}

/* Bytes are missing in front of a packed record, so it does not begin where one should. */
static bool begins_elsewhere(struct trace *trace)
{
	if (!is_certain_here(trace))
		return false;
	if (!trace->noisy)
		complain(trace, trace->input.lines + 1, "bytes are missing in front of this record");
	begin_words(&trace->input);
	return true;
}

/* Does a line of text follow? */
static bool is_text_ahead(struct trace *trace)
{
	size_t len;
	const char *text = look(trace, AROUND, &len);

	for (size_t i = 0; i < len && text[i] != '\n'; i++)
		if (is_binary(text[i]))
			return false;
	return true;
}

int packed_is_next(struct trace *trace)
{
	struct input *in = &trace->input;
	bool first = !trace->looked && in->lines == 0;
	char peeked;
	unsigned char byte;
	int got;

	if (trace->section == SECTION_TEXT)
		return 0;
	got = input_peek(in, &peeked);
	byte = (unsigned char)peeked;
	trace->looked = true;
	if (got <= 0 || is_text_record(byte))
		return got < 0 ? got : 0;
	if (trace->section == SECTION_UNKNOWN && first)
		return begins_in_packed(trace);
	/* Behind text there can be more lines of it, with any bytes. Those of a chip have letters and the like alone.
	 */
	if (trace->noisy && trace->section == SECTION_PACKED && !is_text_ahead(trace)) {
		if (!input_at_word(in))
			begins_elsewhere(trace);
		return 1;
	}
	if (trace->below_text && byte < LM_PACKED_FREE)
		return 0;
	if (trace->section == SECTION_UNKNOWN)
		return byte >= LM_PACKED_FREE && begins_packed(trace);
	if (!input_at_word(in))
		return byte >= LM_PACKED_FREE ? begins_elsewhere(trace) : !trace->below_text;
	return !trace->below_text || lm_packed_words(byte) || byte == LM_PACKED_REST;
}

/* ---- damage ------------------------------------------------------------------------ */

/*
 * A trace that broke off and another one behind it: the last record seems to go on with
 * the first bytes of the other trace, which are its PID. Goes back to them.
 */
static bool goes_back(struct trace *trace)
{
	static const char word[] = "# " LM_TRACE_PID " ";
	const char *text;
	size_t len;

	for (size_t back = 1; back < LM_PACKED_WORD && back <= trace->input.pos; back++) {
		text = input_ahead(&trace->input, &len) - back;
		if (len + back < sizeof word - 1 || memcmp(text, word, sizeof word - 1) != 0)
			continue;
		input_back(&trace->input, back);
		return true;
	}
	return false;
}

static void pass_noise(struct trace *trace, size_t len)
{
	input_pass(&trace->input, len, 0);
	trace->noise += len;
}

/* The address of the packed record at TEXT. A node has none. */
static uint64_t address_of(const char *text)
{
	uint64_t first = lm_packed_load((const unsigned char *)text);

	return lm_packed_kind(first) == LM_PACKED_NODE ? 0 : lm_packed_address(first);
}

/* Is its address near those of others? */
static bool is_near(const struct trace *trace, const char *text)
{
	return !address_of(text) || noise_is_near(trace, address_of(text));
}

/* Goes on to the next place in TEXT where a record certainly begins. */
static bool goes_on(struct trace *trace, const char *text, size_t len)
{
	for (size_t at = 1; at < len && at <= PACKED_CERTAIN; at++) {
		bool is_packed = is_certain(trace, text + at, len - at, text[at - 1] == '\n');

		if (is_packed && trace->noisy && !is_near(trace, text + at))
			continue;
		if (!is_packed && !packed_is_certain_line(text + at, len - at))
			continue;
		pass_noise(trace, at);
		if (is_packed)
			begin_words(&trace->input);
		return true;
	}
	return false;
}

/* No record begins at the position. Passes all up to where one does. */
static void find_way(struct trace *trace)
{
	size_t len;
	const char *text;

	if (!trace->noisy)
		complain(trace, trace->input.lines + 1, "this is neither a line nor a packed record");
	if (goes_back(trace))
		return;
	while ((text = look(trace, SEARCH, &len), len)) {
		if (goes_on(trace, text, len))
			return;
		pass_noise(trace, len < PACKED_CERTAIN ? len : PACKED_CERTAIN);
	}
}

/*
 * ---- bytes that a link lost ----
 *
 * If bytes of a record are missing, it has a part of the next one. Then that begins earlier than it should; or what is
 * left of it stands in front of another one. Text between records does no harm.
 */

/* Does a record begin at TEXT? */
static bool is_record(const struct trace *trace, const char *text, size_t len)
{
	size_t size;

	if (packed_is_certain_line(text, len))
		return true;
	/* Where no address is known, a single record says too little. */
	if (!trace->image.doubt.heap.digits && (unsigned char)*text >= LM_PACKED_FREE)
		return is_certain(trace, text, len, false);
	return packed_look(text, len, &size) == PACKED_WHOLE && packed_is_below(text, highest_address(trace)) &&
	       is_near(trace, text);
}

/* Does the first word of a record, of which the others are missing, stand at TEXT? */
static bool is_torn(const struct trace *trace, const char *text, size_t len)
{
	size_t size;

	return packed_look(text, len, &size) == PACKED_TORN && lm_packed_kind((unsigned char)*text) != LM_PACKED_NODE &&
	       address_of(text) <= highest_address(trace) && is_near(trace, text);
}

/* Does a record end in front of TEXT? The chip fills up one that its link did not take. */
static bool is_behind_record(const struct trace *trace, const char *text, size_t len)
{
	static const char zeros[LM_PACKED_WORD];

	return !len || is_record(trace, text, len) || is_torn(trace, text, len) ||
	       (len >= sizeof zeros && memcmp(text, zeros, sizeof zeros) == 0);
}

/* Does text stand behind the record of SIZE bytes at TEXT? If so, is it so from the record's first missing byte on? */
static bool goes_on_as_text(const char *text, size_t size)
{
	/* The last byte is the upper part of a number, which seldom is as large as a letter. */
	return !is_binary(text[size]) && (unsigned char)text[size - 1] >= ' ' && !is_binary(text[size - 1]);
}

/* Is the record of SIZE bytes at the position as the chip wrote it? */
static bool is_intact(struct trace *trace, size_t size)
{
	bool binary = false;
	size_t len;
	/* Not more than has to be known: who watches a chip wants to see each event. */
	const char *text = look(trace, trace->image.doubt.heap.digits ? AROUND : SEARCH, &len);

	if (!packed_is_below(text, highest_address(trace)))
		return false;
	for (size_t lost = 1; lost < LM_PACKED_WORD; lost++)
		if (is_record(trace, text + size - lost, len - size + lost))
			return false;
	if (is_behind_record(trace, text + size, len - size))
		return true;
	if (!is_near(trace, text) || goes_on_as_text(text, size))
		return false;
	for (size_t left = 1; left < PARSE_PACKED_MAX && size + left < len; left++) {
		binary |= is_binary(text[size + left - 1]);
		if (is_record(trace, text + size + left, len - size - left))
			return !binary && text[size + left - 1] == '\n';
	}
	return true;
}

/* ---- records ------------------------------------------------------------------------ */

int packed_add_node(struct trace *trace, const struct record_node *node, uint64_t line)
{
	struct node_lack lack;
	int error;

	if (trace->without_stacks)
		return 0;
	if (!node->number) {
		complain(trace, line, "a node without a number");
		return 0;
	}
	error = node_table_add(&trace->image.nodes, node, &lack);
	if (lack.what)
		complain_of_lack(trace, line, lack.what, lack.number);
	return error;
}

/* The backtrace NUMBER is defined nowhere. Makes it what CALLERS says, if there is such a line. 0 or -ENOMEM. */
static int make_caller(struct trace_image *image, uint64_t number, uint32_t *stack)
{
	char text[32];
	uint32_t frame;
	int length, error;

	if (!image->callers.step || !number)
		return 0;
	length = snprintf(text, sizeof text, "[0x%" PRIx64 "]", image->callers.from + number * image->callers.step);
	error = stacks_add_frame(&image->stacks, text, (size_t)length, &frame);
	if (!error)
		error = stacks_add(&image->stacks, &frame, 1, stack);
	return error ? error : stacks_set_number(&image->stacks, number, *stack);
}

int packed_find_backtrace(struct trace *trace, uint64_t number, uint64_t line, uint32_t *stack)
{
	struct trace_image *image = &trace->image;
	struct node_lack lack;
	int error;

	*stack = STACK_NONE;
	if (trace->without_stacks)
		return 0;
	if (trace->section == SECTION_TEXT) {
		*stack = stacks_find_number(&image->stacks, number);
		return *stack == STACK_NONE ? make_caller(image, number, stack) : 0;
	}
	error = node_table_find(&image->nodes, &image->stacks, number, stack, &lack);
	if (!lack.what)
		return error;
	*stack = stacks_find_number(&image->stacks, number);
	if (*stack == STACK_NONE)
		error = make_caller(image, number, stack);
	if (*stack == STACK_NONE && trace->section == SECTION_PACKED)
		complain_of_lack(trace, line, lack.what, lack.number);
	return error;
}

bool packed_take_event(struct trace *trace, struct event *event)
{
	struct input *in = &trace->input;
	size_t len, size;
	const char *text = input_ahead(in, &len);

	if (len < PARSE_PACKED_MAX || !input_at_word(in) || !input_at_line(in) || trace->unfinished ||
	    packed_look(text, len, &size) != PACKED_WHOLE || (unsigned char)text[0] == LM_PACKED_NODE)
		return false;
	parse_packed_event(text, event);
	trace->below_text = false;
	input_pass(in, size, 1);
	return true;
}

/* Reads what begins at the position. 1 if it is an event, 0 if it is anything else, or -errno. */
static int take_record(struct trace *trace)
{
	struct input *in = &trace->input;
	const uint64_t line = in->lines + 1;
	size_t len, size;
	const char *text = look(trace, PARSE_PACKED_MAX, &len);
	enum packed_find found = packed_look(text, len, &size);

	complain_of_gap(trace, line, in->nuls);
	in->nuls = false;
	trace->line.number = line;
	if (!input_at_word(in))
		found = PACKED_NOTHING;
	if (trace->noisy && found != PACKED_SHORT && (found != PACKED_WHOLE || !is_intact(trace, size))) {
		if (found == PACKED_WHOLE || found == PACKED_TORN)
			complain(trace, line, "bytes are missing in this record");
		found = PACKED_NOTHING;
	}
	text = input_ahead(in, &len);
	switch (found) {
	case PACKED_WHOLE:
		if (trace->noisy)
			noise_take_address(trace, address_of(text));
		parse_packed(text, &trace->record);
		trace->below_text = false;
		input_pass(in, size, 1);
		return trace->record.kind == RECORD_CALL ? 1 : packed_add_node(trace, &trace->record.node, line);
	case PACKED_REST:
		input_pass(in, size, 0);
		return 0;
	case PACKED_TORN:
		complain(trace, line, "the packed record breaks off");
		input_pass(in, size, 0);
		return 0;
	case PACKED_SHORT:
		trace->unfinished = line;
		input_pass(in, len, 0);
		return 0;
	default:
		find_way(trace);
		return 0;
	}
}

int packed_next(struct trace *trace)
{
	int got;

	while ((got = packed_is_next(trace)) > 0) {
		got = take_record(trace);
		if (got)
			return got;
	}
	return got;
}
