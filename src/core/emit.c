/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit.h. */
#include "emit.h"

#include <fcntl.h>
#include <limits.h>

#include "account.h"
#include "backtraces.h"
#include "module.h"
#include "path.h"
#include "sample.h"
#include "session.h"
#include "sink.h"
#include "symbol.h"
#include "sys.h"
#include "unwind.h"

/* Written, but perhaps by two threads at once: a module may be announced twice, never too late. */
enum { NOT_ANNOUNCED, ANNOUNCED };

static void send(const struct iovec *parts, int count)
{
	int error = lm_sink_write(parts, count);

	if (error)
		lm_session_write_failed(-error);
}

int lm_emit_text(const char *text, int length)
{
	struct iovec part = {(void *)text, (size_t)length};
	int error = lm_sink_write(&part, 1);

	if (error)
		lm_session_write_failed(-error);
	return error ? 0 : length;
}

static void announce(struct lm_module *module)
{
	char line[LM_MODULE_RECORD_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[3];

	lm_module_record(&text, module);
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	parts[1] = (struct iovec){(void *)module->name, __builtin_strlen(module->name)};
	parts[2] = (struct iovec){(void *)"\n", 1};
	send(parts, 3);
	__atomic_store_n(&module->announced, ANNOUNCED, __ATOMIC_RELEASE);
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

/* The frames' lines as parts of a record, as many as fit into one. Returns how many. */
static int put_frames(struct iovec *parts, const uintptr_t *pcs, unsigned found)
{
	size_t room = LM_SINK_RECORD_MAX - 2 * LM_RECORD_LINE_MAX;
	int count = 0;

	for (unsigned i = 0; i < found; i++) {
		const struct lm_frame *frame = lm_symbol_frame(pcs[i]);

		if (!frame)
			continue;
		if (frame->length > room)
			break;
		if (frame->module && !__atomic_load_n(&frame->module->announced, __ATOMIC_ACQUIRE))
			announce(frame->module);
		parts[count++] = (struct iovec){(void *)frame->text, frame->length};
		room -= frame->length;
	}
	return count;
}

static void emit_full(struct line *line, const uintptr_t *pcs, unsigned found)
{
	struct iovec parts[found + 1];

	parts[0] = whole(line);
	send(parts, 1 + put_frames(parts + 1, pcs, found));
}

/* The backtrace stands in front of the first event that names it, in one record with that. */
static void emit_with_backtrace(struct line *line, struct lm_backtrace *backtrace)
{
	struct iovec parts[backtrace->depth + 2];
	struct line head;
	int count;

	begin(&head);
	lm_record_number(&head.text, LM_TRACE_BACKTRACE, backtrace->number);
	parts[0] = whole(&head);
	count = 1 + put_frames(parts + 1, backtrace->pcs, backtrace->depth);
	parts[count++] = whole(line);
	send(parts, count);
	lm_backtraces_written(backtrace);
}

void lm_emit(struct lm_event *event, const struct lm_caller *caller)
{
	unsigned depth = caller ? lm_session.depth : 0;
	uintptr_t pcs[depth ? depth : 1];
	struct lm_backtrace *backtrace = NULL;
	uint64_t ms = lm_sample_now();
	struct lm_statm statm;
	int sampled = !event->busy && lm_sample_take(ms, &statm);
	int is_new = 0;
	unsigned found;
	struct line line;

	if (sampled)
		lm_account_settle();
	follow_loader(caller, sampled);
	found = depth ? lm_unwind(caller, pcs, depth) : 0;
	if (found && lm_session.compact) {
		backtrace = lm_backtraces_find(pcs, found, &is_new);
		event->backtrace = backtrace ? backtrace->number : 0;
	}
	begin(&line);
	if (sampled)
		lm_record_number(&line.text, LM_TRACE_TIME, ms);
	lm_record_event(&line.text, event, sampled ? &statm : NULL);
	if (!lm_session.compact)
		emit_full(&line, pcs, found);
	else if (backtrace && (is_new || lm_backtraces_wait(backtrace) != 0))
		emit_with_backtrace(&line, backtrace);
	else
		emit_full(&line, pcs, 0);
	lm_sink_tick(ms);
}

static void put_mark(struct lm_text *text, const char *mark)
{
	uint64_t calls[LM_CALL_COUNT];

	for (enum lm_call call = 0; call < LM_CALL_COUNT; call++)
		calls[call] = lm_account_calls(call);
	lm_record_mark(text, mark, lm_account_totals(), calls);
}

void lm_emit_begin(void)
{
	/* Two paths, and each byte of them at most four in the trace. Stacks may be short. */
	struct {
		char path[PATH_MAX];
		char line[2 * 4 * PATH_MAX + LM_RECORD_LINE_MAX];
	} *room = lm_sys_map(sizeof *room);
	struct lm_text text;

	if (!room) {
		lm_session_write_failed(ENOMEM);
		return;
	}
	text = (struct lm_text){room->line, room->line + sizeof room->line};
	lm_record_number(&text, LM_TRACE_PID, (uint64_t)lm_sys(SYS_getpid));
	if (lm_path_exe(room->path, sizeof room->path) == 0)
		lm_record_path(&text, LM_TRACE_EXE, room->path);
	if (lm_path_cwd(room->path, sizeof room->path) == 0)
		lm_record_path(&text, LM_TRACE_CWD, room->path);
	lm_text_string(&text, lm_session.compact ? "# " LM_TRACE_FORMAT " compact\n" : "# " LM_TRACE_FORMAT " full\n");
	put_mark(&text, LM_TRACE_INIT);
	lm_emit_text(room->line, (int)(text.at - room->line));
	lm_sys_unmap(room, sizeof *room);
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

void lm_emit_end(void)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	size_t room, length;
	char *maps = read_maps(&room, &length);
	struct iovec parts[2];

	put_mark(&text, LM_TRACE_FINI);
	if (length)
		lm_text_string(&text, "# " LM_TRACE_FILE " " LM_TRACE_MAPS "\n");
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	parts[1] = (struct iovec){maps, length};
	send(parts, length ? 2 : 1);
	if (maps)
		lm_sys_unmap(maps, room);
}
