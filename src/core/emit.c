/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See emit.h. */
#include "emit.h"

#include <fcntl.h>
#include <limits.h>

#include "account.h"
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
	if ((lm_module_suspect() || sampled) && lm_module_check())
		lm_unwind_flush();
	if (caller)
		lm_module_note_caller(caller->pc);
}

/* The frames of CALLER's backtrace as parts of a record. Returns how many. */
static int put_backtrace(struct iovec *parts, const struct lm_caller *caller, unsigned depth)
{
	uintptr_t pcs[depth ? depth : 1];
	unsigned found = lm_unwind(caller, pcs, depth);
	int count = 0;

	for (unsigned i = 0; i < found; i++) {
		const struct lm_frame *frame = lm_symbol_frame(pcs[i]);

		if (!frame)
			continue;
		if (frame->module && !__atomic_load_n(&frame->module->announced, __ATOMIC_ACQUIRE))
			announce(frame->module);
		parts[count++] = (struct iovec){(void *)frame->text, frame->length};
	}
	return count;
}

void lm_emit(const struct lm_event *event, const struct lm_caller *caller)
{
	unsigned depth = caller ? lm_session_depth() : 0;
	struct iovec parts[depth + 1];
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct lm_statm statm;
	uint64_t ms;
	int sampled = !event->busy && lm_sample_take(&statm, &ms);
	int count = 1;

	follow_loader(caller, sampled);
	if (depth)
		count += put_backtrace(parts + 1, caller, depth);
	if (sampled)
		lm_record_number(&text, LM_TRACE_TIME, ms);
	lm_record_event(&text, event, sampled ? &statm : NULL);
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	send(parts, count);
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
	lm_text_string(&text, "# " LM_TRACE_FORMAT " full\n");
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
