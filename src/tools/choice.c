/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See choice.h. */
#include "choice.h"
#include "array.h"
#include "cli.h"
#include "cursor.h"
#include "frame.h"
#include "pattern.h"
#include "stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum verdict { UNJUDGED, UNMATCHED, MATCHED };

bool choice_is_of_calls(const struct choice *choice)
{
	return choice->calls || choice->patterns.count || choice->threads.count;
}

bool choice_is_made(const struct choice *choice)
{
	return window_is_set(choice->window) || choice->has_from || choice->has_to || choice->has_address ||
	       choice_is_of_calls(choice);
}

/* ---- the command line ----------------------------------------------------- */

void choice_add_calls(struct choice *choice, const char *list)
{
#define WORD(id, word) (word),
	static const char *const names[LM_CALL_COUNT] = {LM_TRACE_CALLS(WORD)};
#undef WORD
	char *copy = strdup(list), *rest = copy, *name;

	if (!copy)
		cli_usage_error("%s", strerror(ENOMEM));
	while ((name = strsep(&rest, ",")))
		choice->calls |= UINT64_C(1) << cli_choice(name, "a function that traces have", names, LM_CALL_COUNT);
	free(copy);
}

void choice_add_name(struct choice_names *names, const char *name)
{
	const char **grown = array_grow(names->list, &names->room, names->count + 1, sizeof *names->list);

	if (!grown)
		cli_usage_error("%s", strerror(ENOMEM));
	names->list = grown;
	names->list[names->count++] = name;
}

/* ---- moment and address --------------------------------------------------- */

bool choice_takes_moment(const struct choice *choice, const struct trace_image *image)
{
	/* What is in front of the first TIME line happened at the beginning. */
	uint64_t time = image->has_time ? image->time : 0;

	return window_is_inside(choice->window) && !(choice->has_from && time < choice->from) &&
	       !(choice->has_to && time > choice->to);
}

/* A block of no bytes has an address, too. */
static bool contains(uint64_t block, uint64_t size, uint64_t address)
{
	return block && address >= block && address - block < (size ? size : 1);
}

static bool takes_address(const struct choice *choice, const struct event *event)
{
	return contains(event->pointer, event->size, choice->address) ||
	       (parse_is_realloc(event->call) && contains(event->old, event->args[0], choice->address));
}

/* ---- threads -------------------------------------------------------------- */

static bool is_thread(const char *name, uint64_t number, const struct thread *thread)
{
	struct cursor c = cursor_start(name, strlen(name));
	uint64_t value;

	if (thread && strcmp(name, thread->name) == 0)
		return true;
	return cursor_number(&c, &value) && cursor_at_end(&c) && (value == number || (thread && value == thread->tid));
}

static bool takes_thread(const struct choice *choice, const struct threads *threads, const struct event *event)
{
	const struct thread *thread = event->by == THREADS_OTHER ? NULL : threads_get(threads, event->by);

	for (size_t i = 0; i < choice->threads.count; i++)
		if (is_thread(choice->threads.list[i], event->thread, thread))
			return true;
	return false;
}

/* ---- functions ------------------------------------------------------------ */

static bool make_room(struct choice_verdicts *verdicts, size_t count)
{
	unsigned char *grown;

	if (verdicts->count >= count)
		return true;
	/* More comes while the trace is read. */
	count += count / 2;
	grown = realloc(verdicts->list, count);
	if (!grown)
		return false;
	memset(grown + verdicts->count, UNJUDGED, count - verdicts->count);
	verdicts->list = grown;
	verdicts->count = count;
	return true;
}

static bool matches(const struct choice *choice, const char *function)
{
	for (size_t i = 0; i < choice->patterns.count; i++)
		if (pattern_matches(choice->patterns.list[i], function))
			return true;
	return false;
}

/* Does a function of the frame match: one that the debug information names, inlined ones too, or the trace? */
static int judge_frame(const struct choice *choice, const struct resolver *resolver, const struct stacks *stacks,
                       uint32_t number, unsigned char *verdict)
{
	struct stacks_frame text = stacks_frame_at(stacks, number);
	struct resolved resolved = {0};
	struct frame frame;
	bool found;

	if (frame_parse(text.text, text.len, &frame) == 0 && resolve_frame(resolver, &frame, &resolved) != 0)
		return -ENOMEM;
	found = matches(choice, resolved.named.function);
	for (size_t i = 0; !found && i < resolved.places.count; i++)
		found = matches(choice, resolved.places.places[i].function);
	*verdict = found ? MATCHED : UNMATCHED;
	return 0;
}

/* Frames and backtraces are judged once each. */
static int judge_stack(struct choice *choice, const struct resolver *resolver, const struct stacks *stacks,
                       uint32_t number, unsigned char *verdict)
{
	struct stack stack = stacks_get(stacks, number);
	int error = 0;

	if (!make_room(&choice->frames, stacks->frame_count))
		return -ENOMEM;
	*verdict = UNMATCHED;
	for (size_t i = 0; !error && *verdict == UNMATCHED && i < stack.depth; i++) {
		unsigned char *known = &choice->frames.list[stack.frames[i]];

		if (*known == UNJUDGED)
			error = judge_frame(choice, resolver, stacks, stack.frames[i], known);
		*verdict = *known;
	}
	return error;
}

static int takes_stack(struct choice *choice, const struct resolver *resolver, const struct stacks *stacks,
                       uint32_t stack, bool *taken)
{
	unsigned char *verdict;
	int error = 0;

	if (!make_room(&choice->stacks, (size_t)stack + 1))
		return -ENOMEM;
	verdict = &choice->stacks.list[stack];
	if (*verdict == UNJUDGED)
		error = judge_stack(choice, resolver, stacks, stack, verdict);
	*taken = *verdict == MATCHED;
	return error;
}

/* ---- all of them ---------------------------------------------------------- */

int choice_takes(struct choice *choice, const struct resolver *resolver, const struct trace *trace,
                 const struct trace_item *item, bool *taken)
{
	*taken = choice_takes_moment(choice, &trace->image) &&
	         (!choice->calls || choice->calls >> item->event.call & 1) &&
	         (!choice->has_address || takes_address(choice, &item->event)) &&
	         (!choice->threads.count || takes_thread(choice, &trace->image.threads, &item->event));
	if (!*taken || !choice->patterns.count)
		return 0;
	return takes_stack(choice, resolver, &trace->image.stacks, item->stack, taken);
}

static void forget(struct choice_verdicts *verdicts)
{
	free(verdicts->list);
	*verdicts = (struct choice_verdicts){0};
}

void choice_next_image(struct choice *choice)
{
	forget(&choice->frames);
	forget(&choice->stacks);
}

void choice_free(struct choice *choice)
{
	choice_next_image(choice);
	free(choice->patterns.list);
	free(choice->threads.list);
	choice->patterns.list = choice->threads.list = NULL;
}
