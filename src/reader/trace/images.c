/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See images.h. */
#include "images.h"
#include "process.h"

#include <string.h>

/* The header's first line, PID, was read already. Is it a chip's? */
static bool is_of_chip(struct trace *trace)
{
	static const char word[] = "# " LM_TRACE_FLAVOUR " embedded";
	size_t len;
	const char *text = input_look(&trace->input, sizeof word, &len);

	return len >= sizeof word && memcmp(text, word, sizeof word - 1) == 0;
}

/*
 * A trace may lack one of the two, and events may stand in front of them. In front of a chip's header, they are of an
 * earlier start.
 */
bool images_begins(struct trace *trace)
{
	const struct trace_image *image = &trace->image;

	if (trace->record.kind == RECORD_INIT)
		return image->begun;
	if (trace->record.kind == RECORD_INFO && trace->record.info == INFO_PID)
		return image->begun || image->has_pid || (image->events && is_of_chip(trace));
	return false;
}

void images_free(struct trace_image *image)
{
	maps_free(&image->maps);
	stacks_free(&image->stacks);
	threads_free(&image->threads);
	node_table_free(&image->nodes);
	guess_free(&image->guess);
	pool_free(&image->pool);
}

void images_next(struct trace *trace)
{
	unsigned number = trace->image.number + 1;

	images_free(&trace->image);
	trace->image = (struct trace_image){.number = number, .first_line = trace->line.number};
}

/* Is the next image that of another process, which had the same number? Its first line, PID, was read already. */
static bool is_namesake(struct trace *trace)
{
	static const char word[] = "# " LM_TRACE_PROCESS " ";
	const char *own = trace->image.process, *text;
	size_t len, at = sizeof word - 1, size = strlen(own);

	if (!size)
		return false;
	text = input_look(&trace->input, at + size + 1, &len);
	return len > at + size && memcmp(text, word, at) == 0 &&
	       (memcmp(text + at, own, size) != 0 || text[at + size] != '\n');
}

/* Is the next image one of the same process, which called exec? */
static bool is_replaced(struct trace *trace)
{
	const struct record *next = &trace->record;

	if (next->kind == RECORD_INIT || !trace->image.has_pid)
		return true;
	return next->number == trace->image.pid && !is_namesake(trace);
}

/* Where the new file could not get its name, the image goes on behind that line. */
static bool is_continued(const struct trace_image *image)
{
	return image->continued == image->events + 1;
}

/*
 * Of an image without an end, the last one of the trace. A process that runs holds its lock on the trace; if it lost
 * that, or this is a copy, it is found by its identity. If it does not run, and its journal was left there, it was
 * killed.
 */
static enum trace_ending find_ending(const struct trace *trace)
{
	const struct source *source = &trace->input.source;
	const struct trace_image *image = &trace->image;
	struct stat journal;
	enum process_use use;

	if (image->signal)
		return TRACE_KILLED;
	if (is_continued(image))
		return TRACE_CONTINUED;
	if (source->is_owned || (image->has_pid && process_runs(image->pid, image->process)))
		return TRACE_RUNNING;
	if (!source->has_rest || source->rest.is_copy || fstat(source->rest.file, &journal) != 0)
		return TRACE_CUT;
	use = process_maps(&journal, source->rest.pid);
	return use == PROCESS_USES ? TRACE_RUNNING : use == PROCESS_USES_NOT ? TRACE_KILLED : TRACE_CUT;
}

static enum trace_ending ending_of(const struct trace *trace)
{
	const struct trace_image *image = &trace->image;

	if (image->is_detached && image->finished)
		return TRACE_DETACHED;
	if (image->replaced)
		return TRACE_REPLACED;
	if (image->finished)
		return TRACE_FINISHED;
	if (image->is_embedded)
		return TRACE_ENDLESS;
	if (image->followed)
		return is_continued(image) ? TRACE_CONTINUED : TRACE_CUT;
	return find_ending(trace);
}

int images_end(struct trace *trace, struct trace_item *item)
{
	struct trace_image *image = &trace->image;

	image->followed = trace->ending;
	/* Behind the file that it goes on in, it is the same image. */
	image->replaced = trace->ending && !image->is_embedded && !image->is_detached && !is_continued(image) &&
	                  is_replaced(trace);
	image->restarted =
		trace->ending && !image->is_table && (image->is_embedded || !image->has_pid) && is_of_chip(trace);
	image->ending = ending_of(trace);
	input_pause(&trace->input);
	*item = (struct trace_item){.kind = TRACE_END, .line = trace->image.last_line};
	return 1;
}
