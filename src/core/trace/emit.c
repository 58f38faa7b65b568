/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit.h. */
#include "emit.h"

#include <fcntl.h>
#include <limits.h>

#include "account.h"
#include "arena.h"
#include "atomic.h"
#include "backtraces.h"
#include "line.h"
#include "module.h"
#include "path.h"
#include "sample.h"
#include "session.h"
#include "sink.h"
#include "symbol.h"
#include "sys.h"
#include "unwind.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* So many events at most between two looks at the clock. */
#define CLOCK_EVENTS_MAX 15

/* Written, but perhaps by two threads at once: a module may be announced twice, never too late. */
enum { NOT_ANNOUNCED, ANNOUNCED };

/* 0, or -1: it is not in the trace. */
static int send(const struct iovec *parts, int count)
{
	int error = lm_sink_write(parts, count);

	if (error)
		lm_session_write_failed(-error);
	return error ? -1 : 0;
}

int lm_emit_text(const char *text, int length)
{
	struct iovec part = {(void *)text, (size_t)length};

	return send(&part, 1) == 0 ? length : 0;
}

static int announce(struct lm_module *module)
{
	char line[LM_MODULE_RECORD_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[3];

	lm_module_record(&text, module);
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	parts[1] = (struct iovec){(void *)module->name, __builtin_strlen(module->name)};
	parts[2] = (struct iovec){(void *)"\n", 1};
	if (send(parts, 3) != 0)
		return -1;
	lm_store_release(&module->announced, ANNOUNCED);
	return 0;
}

/* Objects may have come or gone since the last event: what is known by address has to follow. */
static void follow_loader(const struct lm_caller *caller, int sampled)
{
	if ((lm_module_suspect() || sampled) && lm_module_check()) {
		lm_unwind_flush();
		lm_backtraces_forget();
	}
	if (caller)
		lm_module_note_caller(caller->pc);
}

/* What an event is written of, but for its frames. */
struct line {
	char bytes[LM_RECORD_LINE_MAX];
	struct lm_text text;
};

static struct iovec whole(const struct line *line)
{
	return (struct iovec){(void *)line->bytes, (size_t)(line->text.at - line->bytes)};
}

static void begin(struct line *line)
{
	line->text = (struct lm_text){line->bytes, line->bytes + sizeof line->bytes};
}

/* ---- frames ---- */

/*
 * The frames' lines, of as many as fit into one record: *FOUND; FRAMES has room
 * for all. 0, or -1 where what has to stand in front of them could not be written.
 */
static int find_frames(const struct lm_frame **frames, const uintptr_t *pcs, unsigned count, unsigned *found)
{
	size_t room = LM_SINK_RECORD_MAX - 2 * LM_RECORD_LINE_MAX;

	*found = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct lm_frame *frame = lm_symbol_frame(pcs[i]);

		if (!frame)
			continue;
		if (frame->length > room)
			break;
		if (frame->module && !lm_load_acquire(&frame->module->announced) && announce(frame->module) != 0)
			return -1;
		frames[(*found)++] = frame;
		room -= frame->length;
	}
	return 0;
}

/* The same of BACKTRACE, to be kept. 0, or -1: without memory, too. */
static int find_own_frames(struct lm_backtrace *backtrace)
{
	unsigned found;

	backtrace->frame = lm_arena_alloc(backtrace->depth * sizeof(void *));
	if (!backtrace->frame || find_frames(backtrace->frame, backtrace->pcs, backtrace->depth, &found) != 0)
		return -1;
	backtrace->frames = (unsigned char)found;
	backtrace->length = 0;
	for (unsigned i = 0; i < backtrace->frames; i++)
		backtrace->length += backtrace->frame[i]->length;
	return 0;
}

/* Sends HEAD, FRAMES and TAIL, which can be NULL, as one record. 0, or -1. */
static int send_frames(const struct line *head, const struct lm_frame *const *frames, unsigned count,
                       const struct line *tail)
{
	struct iovec parts[count + 2];
	int n = 0;

	parts[n++] = whole(head);
	for (unsigned i = 0; i < count; i++)
		parts[n++] = (struct iovec){(void *)frames[i]->text, frames[i]->length};
	if (tail)
		parts[n++] = whole(tail);
	return send(parts, n);
}

/* The last of COUNT bytes may be followed by somebody else's: all texts but the last are copied in pieces. */
static inline void copy_frames(unsigned char *at, const struct lm_backtrace *backtrace)
{
	const struct lm_frame *const *frame = backtrace->frame, *const *last = frame + backtrace->frames - 1;

	for (; frame < last && (*last)->length >= LM_FRAME_SLACK; frame++) {
		unsigned length = (*frame)->length;

		for (unsigned i = 0; i < length; i += LM_FRAME_SLACK)
			__builtin_memcpy(at + i, (*frame)->text + i, LM_FRAME_SLACK);
		at += length;
	}
	for (; frame <= last; frame++) {
		__builtin_memcpy(at, (*frame)->text, (*frame)->length);
		at += (*frame)->length;
	}
}

/* ---- an event, with care ---- */

/* Compact: the backtrace stands in front of the first event that names it, in one record with that. 0, or -1. */
static int emit_numbered(const struct line *line, struct lm_backtrace *backtrace)
{
	const struct lm_frame *frames[backtrace->depth];
	struct line head;
	unsigned count;
	int own = lm_backtraces_take(backtrace), result;

	if (!own && lm_backtraces_wait(backtrace) == 0)
		return send_frames(line, NULL, 0, NULL);
	begin(&head);
	lm_record_number(&head.text, LM_TRACE_BACKTRACE, backtrace->number);
	result = find_frames(frames, backtrace->pcs, backtrace->depth, &count);
	if (!result)
		result = send_frames(&head, frames, count, line);
	if (!result)
		lm_backtraces_written(backtrace);
	else if (own)
		lm_backtraces_give_back(backtrace);
	return result;
}

/* 0, or -1. */
static int emit_full(const struct line *line, struct lm_backtrace *backtrace, const struct lm_unwound *unwound)
{
	const struct lm_frame *others[unwound->count + 1];
	unsigned count;

	if (backtrace && !lm_backtraces_is_written(backtrace) && lm_backtraces_take(backtrace)) {
		if (find_own_frames(backtrace) == 0)
			lm_backtraces_written(backtrace);
		else
			lm_backtraces_give_back(backtrace);
	}
	if (backtrace && lm_backtraces_is_written(backtrace))
		return send_frames(line, backtrace->frame, backtrace->frames, NULL);
	if (find_frames(others, unwound->pcs, unwound->count, &count) != 0)
		return -1;
	return send_frames(line, others, count, NULL);
}

/* EVENT is not in the trace. What the tracker had to conclude was no call. */
static void lose(const struct lm_event *event)
{
	if (!event->unseen)
		lm_session_lost();
}

/* EVENT with UNWOUND; STATM, at MS, unless it is NULL. */
static void emit_unwound(struct lm_event *event, const struct lm_unwound *unwound, uint64_t ms,
                         const struct lm_statm *statm)
{
	struct lm_backtrace *backtrace = unwound->count ? lm_backtraces_find(unwound) : NULL;
	struct line line;
	int result;

	event->backtrace = backtrace && lm_session.compact ? backtrace->number : 0;
	begin(&line);
	if (statm)
		lm_record_number(&line.text, LM_TRACE_TIME, ms);
	lm_record_event(&line.text, event, statm);
	if (!lm_session.compact)
		result = emit_full(&line, backtrace, unwound);
	else if (backtrace && !lm_backtraces_is_written(backtrace))
		result = emit_numbered(&line, backtrace);
	else
		result = send_frames(&line, NULL, 0, NULL);
	if (result)
		lose(event);
}

/* While the clock stands still, events are so close that not every one needs to look at it. */
static void wind_clock(struct lm_thread *thread, uint64_t ms)
{
	if (ms != thread->clock || lm_sample_is_constant())
		thread->between_clocks = 0;
	else if (thread->between_clocks < CLOCK_EVENTS_MAX)
		thread->between_clocks = 2 * thread->between_clocks + 1;
	thread->clock = ms;
	thread->until_clock = thread->between_clocks;
}

static __attribute__((noinline)) void emit_carefully(struct lm_event *event, struct lm_thread *thread,
                                                     const struct lm_caller *caller)
{
	unsigned depth = caller ? lm_session.depth : 0;
	uintptr_t room[depth ? depth : 1];
	struct lm_unwound unwound = {.count = 0};
	uint64_t ms = lm_sample_now();
	struct lm_statm statm;
	int sampled = !event->busy && lm_sample_take(ms, &statm);

	if (sampled)
		lm_account_settle();
	if (thread)
		wind_clock(thread, ms);
	follow_loader(caller, sampled);
	if (depth)
		lm_unwind(thread, caller, room, depth, &unwound);
	emit_unwound(event, &unwound, ms, sampled ? &statm : NULL);
	lm_sink_tick(ms);
}

/* ---- malloc and free ---- */

static struct lm_event common_event(enum lm_call call, void *p, size_t size)
{
	if (call == LM_CALL_FREE)
		return (struct lm_event){.call = call, .old = p, .old_size = size, .change = -(int64_t)size};
	return (struct lm_event){.call = call, .p = p, .size = size, .change = (int64_t)size};
}

/* The usual way. USABLE: the change of that. */
static __attribute__((noinline)) void emit_slowly(enum lm_call call, struct lm_thread *thread,
                                                  const struct lm_caller *caller, void *p, size_t size, int64_t usable)
{
	struct lm_event event = common_event(call, p, size);
	int saved = errno;

	event.totals = lm_account_change(event.change, usable);
	emit_carefully(&event, thread, caller);
	errno = saved;
}

/* What remains of it where all is unwound and accounted for already. MORE: as of emit_quickly(). */
static __attribute__((noinline)) void emit_rest(enum lm_call call, void *p, size_t size, struct lm_totals totals,
                                                const struct lm_event *more, const struct lm_unwound *unwound,
                                                int error)
{
	struct lm_event event = more ? *more : common_event(call, p, size);
	int saved = errno;

	event.totals = totals;
	if (error) {
		lm_session_write_failed(-error);
		lm_session_lost();
	} else {
		emit_unwound(&event, unwound, 0, NULL);
	}
	errno = saved;
}

static __attribute__((noinline)) void fail(int error)
{
	int saved = errno;

	lm_session_write_failed(-error);
	errno = saved;
}

static inline void commit(struct lm_thread *thread, unsigned char *place, const char *word)
{
	int error = lm_sink_commit(thread, place, lm_line_first(word));

	if (unlikely(error))
		fail(error);
}

/* Is it time for more than to record the event? */
static __attribute__((noinline)) int is_due(struct lm_thread *thread)
{
	uint64_t ms = lm_sample_now();

	wind_clock(thread, ms);
	return lm_sample_is_due(ms) || lm_sink_is_due(ms);
}

/* Is there nothing to do but to record the event? */
static inline int is_quick(struct lm_thread *thread)
{
	if (thread->until_clock)
		thread->until_clock--;
	else if (is_due(thread))
		return 0;
	return lm_sink_is_quick() && !lm_module_is_suspect();
}

/* LM_LINE_TAIL bytes, of which the last two count. */
static const char plain_tail[] = "              ]\n";
_Static_assert(sizeof plain_tail - 1 == LM_LINE_TAIL, "a whole tail");

/* How LINE ends: in *WITH_FRAMES, whose frames follow it, or NULL. 0: they have to be written first. */
static inline int end_line(struct lm_line *line, const struct lm_unwound *unwound,
                           const struct lm_backtrace **with_frames)
{
	const struct lm_backtrace *backtrace;

	*with_frames = NULL;
	line->tail = plain_tail;
	line->tail_length = 2;
	if (unlikely(!unwound->count))
		return 1;
	backtrace = lm_backtraces_find(unwound);
	if (unlikely(!backtrace || !lm_backtraces_is_written(backtrace)))
		return 0;
	if (!lm_session.compact) {
		*with_frames = backtrace;
		return 1;
	}
	line->tail = backtrace->tail;
	line->tail_length = backtrace->tail_length;
	return line->tail_length != 0;
}

static inline unsigned frames_length(const struct lm_backtrace *with_frames)
{
	return with_frames ? with_frames->length : 0;
}

/* The length of LINE without its end, or 0: this is not the way. */
static inline __attribute__((always_inline)) unsigned measure(struct lm_line *line, struct lm_thread *thread,
                                                              enum lm_call call, const void *p, size_t size,
                                                              struct lm_totals totals, const struct lm_event *more)
{
	if (!lm_line_measure(line, &thread->line, p, size, (uint64_t)totals.requested, (uint64_t)totals.usable))
		return 0;
	switch (call) {
	case LM_CALL_CALLOC:
		return lm_line_measure_calloc(line, more->count, more->each) ? lm_line_calloc_length(line) : 0;
	case LM_CALL_REALLOC:
		return lm_line_measure_realloc(line, &thread->line, more->old, more->old_size, more->change)
		               ? lm_line_realloc_length(line)
		               : 0;
	case LM_CALL_FREE:
		return lm_line_free_length(line);
	default:
		return lm_line_malloc_length(line);
	}
}

/* Returns the word that it begins with. */
static inline const char *put(char *end, const struct lm_line *line, enum lm_call call)
{
	switch (call) {
	case LM_CALL_CALLOC:
		lm_line_put_calloc(end, line);
		return LM_LINE_CALLOC;
	case LM_CALL_REALLOC:
		lm_line_put_realloc(end, line);
		return LM_LINE_REALLOC;
	case LM_CALL_FREE:
		lm_line_put_free(end, line);
		return LM_LINE_FREE;
	default:
		lm_line_put_malloc(end, line);
		return LM_LINE_MALLOC;
	}
}

/*
 * An event of CALL when it is_quick(), with the TOTALS that it led to. MORE: what
 * there is to say beyond the block and its size, or NULL. Inlined for each call.
 */
static inline __attribute__((always_inline)) void emit_quickly(enum lm_call call, void *p, size_t size,
                                                               struct lm_totals totals, const struct lm_event *more,
                                                               struct lm_thread *thread, const struct lm_caller *caller)
{
	static const struct lm_unwound none = {.count = 0};
	struct lm_unwound room = {.count = 0};
	const struct lm_unwound *unwound = call == LM_CALL_FREE ? &none : &room;
	const struct lm_backtrace *with_frames = NULL;
	unsigned char *place;
	struct lm_line line;
	unsigned length;
	int error = 0;

	lm_module_note_caller(caller->pc);
	if (call != LM_CALL_FREE && likely(lm_session.depth))
		lm_unwind(thread, caller, thread->fresh.pc, lm_session.depth, &room);
	/* What is known of the backtrace comes from far away, while the numbers become text. */
	lm_backtraces_expect(unwound);
	length = measure(&line, thread, call, p, size, totals, more);
	if (likely(end_line(&line, unwound, &with_frames) && length)) {
		length += line.tail_length;
		place = lm_sink_reserve(thread, length + frames_length(with_frames), &error);
		if (likely(place != NULL)) {
			if (with_frames)
				copy_frames(place + length, with_frames);
			commit(thread, place, put((char *)place + length, &line, call));
			return;
		}
	}
	emit_rest(call, p, size, totals, more, unwound, error);
}

void lm_emit_malloc(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable)
{
	if (likely(is_quick(thread)))
		emit_quickly(LM_CALL_MALLOC, p, size, lm_account_change((int64_t)size, (int64_t)usable), NULL, thread,
		             caller);
	else
		emit_slowly(LM_CALL_MALLOC, thread, caller, p, size, (int64_t)usable);
}

void lm_emit_free(struct lm_thread *thread, const struct lm_caller *caller, void *p, size_t size, size_t usable)
{
	if (likely(is_quick(thread)))
		emit_quickly(LM_CALL_FREE, p, size, lm_account_change(-(int64_t)size, -(int64_t)usable), NULL, thread,
		             caller);
	else
		emit_slowly(LM_CALL_FREE, thread, NULL, p, size, -(int64_t)usable);
}

/* ---- calloc and realloc ---- */

static __attribute__((noinline)) void emit_calloc(const struct lm_event *event, struct lm_thread *thread,
                                                  const struct lm_caller *caller)
{
	emit_quickly(LM_CALL_CALLOC, (void *)event->p, event->size, event->totals, event, thread, caller);
}

static __attribute__((noinline)) void emit_realloc(const struct lm_event *event, struct lm_thread *thread,
                                                   const struct lm_caller *caller)
{
	emit_quickly(LM_CALL_REALLOC, (void *)event->p, event->size, event->totals, event, thread, caller);
}

static inline int is_common(const struct lm_event *event)
{
	if (!event->p || event->foreign)
		return 0;
	return event->call == LM_CALL_REALLOC ||
	       (event->call == LM_CALL_CALLOC && event->change == (int64_t)event->size);
}

/* ---- any event ---- */

void lm_emit(struct lm_event *event, struct lm_thread *thread, const struct lm_caller *caller)
{
	if (!thread || !caller || !is_common(event) || !is_quick(thread))
		emit_carefully(event, thread, caller);
	else if (event->call == LM_CALL_CALLOC)
		emit_calloc(event, thread, caller);
	else
		emit_realloc(event, thread, caller);
}

/* ---- begin and end ---- */

static void put_mark(struct lm_text *text, const char *mark)
{
	uint64_t calls[LM_CALL_COUNT];

	for (enum lm_call call = 0; call < LM_CALL_COUNT; call++)
		calls[call] = lm_account_calls(call);
	lm_record_mark(text, mark, lm_account_totals(), calls);
}

int lm_emit_begin(uint64_t parent)
{
	/* Two paths, and each byte of them at most four in the trace. Stacks may be short. */
	struct {
		char path[PATH_MAX];
		char line[2 * 4 * PATH_MAX + LM_RECORD_LINE_MAX];
	} *room = lm_sys_map(sizeof *room);
	struct lm_text text;
	int length;

	if (!room)
		return -1;
	text = (struct lm_text){room->line, room->line + sizeof room->line};
	lm_record_number(&text, LM_TRACE_PID, (uint64_t)lm_sys(SYS_getpid));
	if (parent)
		lm_record_number(&text, LM_TRACE_FORKED, parent);
	if (lm_path_exe(room->path, sizeof room->path) == 0)
		lm_record_path(&text, LM_TRACE_EXE, room->path);
	if (lm_path_cwd(room->path, sizeof room->path) == 0)
		lm_record_path(&text, LM_TRACE_CWD, room->path);
	lm_text_string(&text, lm_session.compact ? "# " LM_TRACE_FORMAT " compact\n" : "# " LM_TRACE_FORMAT " full\n");
	put_mark(&text, LM_TRACE_INIT);
	length = lm_emit_text(room->line, (int)(text.at - room->line));
	lm_sys_unmap(room, sizeof *room);
	return length ? 0 : -1;
}

int lm_emit_lost(uint64_t count)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};

	lm_record_number(&text, LM_TRACE_LOST, count);
	return lm_emit_text(line, (int)(text.at - line)) ? 0 : -1;
}

/* The memory map, whole: the kernel hands it out a page at a time. NULL where there is none. */
static char *read_maps(size_t *room, size_t *length)
{
	int fd = lm_sys_open(LM_TRACE_MAPS, O_RDONLY | O_CLOEXEC, 0);
	char *content = NULL;
	long n = 0;

	*room = *length = 0;
	if (fd < 0)
		return NULL;
	for (*room = 1 << 16; *room <= 1 << 28; *room *= 2) {
		content = lm_sys_map(*room);
		if (!content)
			break;
		lm_sys(SYS_lseek, fd, 0L, SEEK_SET);
		n = lm_sys_read_full(fd, content, *room);
		if (n < (long)*room)
			break;
		lm_sys_unmap(content, *room);
		content = NULL;
	}
	lm_sys_close(fd);
	*length = content && n > 0 ? (size_t)n : 0;
	return content;
}

int lm_emit_end(void)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	size_t room, length;
	char *maps = read_maps(&room, &length);
	struct iovec parts[2];
	int result;

	put_mark(&text, LM_TRACE_FINI);
	if (length)
		lm_text_string(&text, "# " LM_TRACE_FILE " " LM_TRACE_MAPS "\n");
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	parts[1] = (struct iovec){maps, length};
	result = send(parts, length ? 2 : 1);
	if (maps)
		lm_sys_unmap(maps, room);
	return result;
}
