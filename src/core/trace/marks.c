/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See marks.h. */
#include "marks.h"

#include <limits.h>
#include <sys/prctl.h>

#include "account.h"
#include "asked.h"
#include "atomic.h"
#include "clock.h"
#include "lock.h"
#include "note.h"
#include "path.h"
#include "procmaps.h"
#include "real.h"
#include "record.h"
#include "sample.h"
#include "self.h"
#include "settings.h"
#include "signals.h"
#include "sink.h"
#include "symbol.h"
#include "sys.h"
#include "thread.h"
#include "title.h"
#include "trigger.h"

static struct lm_ring_slot *slot(void)
{
	struct lm_thread *thread = lm_thread_self();

	return thread ? &thread->slot : NULL;
}

int lm_marks_send(struct iovec *parts, int count)
{
	return lm_sink_write(slot(), parts, count);
}

/* Only for the thread that holds the phase, or resumes a stopped trace. */
static int send_first(struct iovec *parts, int count)
{
	return lm_sink_write_first(slot(), parts, count);
}

int lm_marks_text(const char *text, int length)
{
	struct iovec parts[2] = {{(void *)text, (size_t)length}};

	return lm_marks_send(parts, 1) == 0 ? length : 0;
}

/* Copies what there is room for of NAME. A character of UTF-8 is not cut. */
static void cut_name(char cut[LM_TRACE_MARK_MAX + 1], const char *name)
{
	size_t length = __builtin_strlen(name);

	if (length > LM_TRACE_MARK_MAX) {
		length = LM_TRACE_MARK_MAX;
		while (length && ((unsigned char)name[length] & 0xc0) == 0x80)
			length--;
	}
	__builtin_memcpy(cut, name, length);
	cut[length] = '\0';
}

_Static_assert(4 * LM_TRACE_MARK_MAX + 64 <= LM_RECORD_LINE_MAX, "a mark and its time fit, with every byte escaped");

static void put_time(struct lm_text *text)
{
	if (lm_sample_is_wanted())
		lm_record_number(text, LM_TRACE_TIME, lm_sample_in_file(lm_sample_now()));
}

int lm_marks_mark(const char *name)
{
	char cut[LM_TRACE_MARK_MAX + 1], line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	cut_name(cut, name);
	put_time(&text);
	lm_record_path(&text, LM_TRACE_MARK, cut);
	parts[0].iov_len = (size_t)(text.at - line);
	return lm_marks_send(parts, 1);
}

int lm_marks_fired(const char *word, uint64_t value, uint64_t amount)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	put_time(&text);
	lm_text_string(&text, "# " LM_TRACE_TRIGGER " ");
	lm_text_string(&text, word);
	lm_text_char(&text, ' ');
	lm_text_unsigned(&text, value);
	if (amount) {
		lm_text_char(&text, ' ');
		lm_text_unsigned(&text, amount);
	}
	lm_text_string(&text, "\n# " LM_TRACE_MARK " " LM_TRIGGER_MARK);
	lm_text_string(&text, word);
	lm_text_char(&text, '\n');
	parts[0].iov_len = (size_t)(text.at - line);
	return lm_marks_send(parts, 1);
}

_Static_assert(LM_TRACE_MARK_MAX < LM_JOURNAL_NAME, "a name fits into what it is asked for by");

/* Held by the thread that writes the marks, so that each is written once, in their order. */
static struct lm_lock asking;

void lm_marks_asked(void)
{
	char name[LM_JOURNAL_NAME + 1];
	struct lm_signals signals;

	if (!lm_asked_next(name))
		return;
	lm_signals_block(&signals);
	if (lm_lock_try(&asking)) {
		/* Whoever asks again and again must not keep the program from its work. */
		for (unsigned i = 0; i < LM_JOURNAL_ASKS && lm_asked_next(name) && lm_marks_mark(name) == 0; i++)
			lm_asked_done();
		lm_lock_release(&asking);
	}
	lm_signals_unblock(&signals, 0);
}

void lm_marks_title(uint64_t ms)
{
	char title[LM_TRACE_TITLE_MAX + 1], line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	if (!lm_title_take(ms, title))
		return;
	lm_record_path(&text, LM_TRACE_TITLE, title);
	parts[0].iov_len = (size_t)(text.at - line);
	lm_marks_send(parts, 1);
}

void lm_marks_forget(void)
{
	lm_lock_reset(&asking);
}

/* Two threads may announce the same module at once. Then it is written twice, but never too late. */
int lm_marks_module(struct lm_module *module)
{
	char line[LM_MODULE_RECORD_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[4];

	lm_module_record(&text, module);
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	parts[1] = (struct iovec){(void *)module->name, __builtin_strlen(module->name)};
	parts[2] = (struct iovec){(void *)"\n", 1};
	if (lm_marks_send(parts, 3) != 0)
		return -1;
	lm_store_release(&module->announced, 1);
	return 0;
}

/* As with a module: perhaps twice, never too late. */
int lm_marks_guess(uintptr_t pc)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2];

	lm_record_guess(&text, pc);
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	if (lm_marks_send(parts, 1) != 0)
		return -1;
	lm_symbol_guess_told(pc);
	return 0;
}

/* ---- threads ---- */

/* The calling thread's name. A thread that may not ask has an empty one. */
static void read_name(char name[LM_THREAD_NAME])
{
	name[0] = '\0';
	lm_sys(SYS_prctl, PR_GET_NAME, name);
	name[LM_THREAD_NAME - 1] = '\0';
}

/* Has THREAD another name than the trace says? A child of vfork runs on its parent's thread, but has a name of its own.
 */
static int is_renamed(const struct lm_thread *thread, const char *name)
{
	return __builtin_strcmp(name, thread->name) != 0 && lm_sys(SYS_gettid) == thread->owner;
}

int lm_marks_thread(struct lm_thread *thread)
{
	int is_new = !lm_thread_is_announced(thread);
	char name[LM_THREAD_NAME], line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	read_name(name);
	if (is_new || is_renamed(thread, name)) {
		lm_record_thread(&text, thread->number, thread->owner, name);
		parts[0].iov_len = (size_t)(text.at - line);
		if (is_new)
			lm_thread_is_coming(thread);
		if (lm_marks_send(parts, 1) != 0)
			return is_new ? -1 : 0;
		__builtin_memcpy(thread->name, name, sizeof name);
	}
	lm_thread_is_named(thread);
	return 0;
}

/* ---- lost events ---- */

/* How many lost events this image's trace tells of. */
static uint64_t missing;

/* "# WORD value", as one record. */
static int send_number(const char *word, uint64_t value, int (*send)(struct iovec *, int))
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	lm_record_number(&text, word, value);
	parts[0].iov_len = (size_t)(text.at - line);
	return send(parts, 1);
}

static int tell_lost(int (*send)(struct iovec *, int))
{
	uint64_t count = lm_state_take_lost();

	if (!count)
		return 0;
	/* Nothing else writes this line. */
	if (send_number(LM_TRACE_LOST, count, send) != 0) {
		lm_state_lose(count);
		lm_note_lost(count);
		return -1;
	}
	lm_note_remove();
	lm_add(&missing, count);
	return 0;
}

int lm_marks_lost(void)
{
	return tell_lost(lm_marks_send);
}

int lm_marks_lost_first(void)
{
	return tell_lost(send_first);
}

int lm_marks_limit(uint64_t bytes)
{
	return send_number(LM_TRACE_LIMIT, bytes, lm_marks_send);
}

int lm_marks_limit_first(uint64_t bytes)
{
	return send_number(LM_TRACE_LIMIT, bytes, send_first);
}

uint64_t lm_marks_missing(void)
{
	return lm_load(&missing);
}

/* ---- begin and end ---- */

static void put_mark(struct lm_text *text, const char *mark, struct lm_totals totals)
{
	uint64_t calls[LM_CALL_COUNT];

	for (enum lm_call call = 0; call < LM_CALL_COUNT; call++)
		calls[call] = lm_account_calls(call);
	lm_record_mark(text, mark, totals, calls);
}

/* TOTALS: of INIT. The lines name THREAD, unless it is NULL. */
static int send_head(uint64_t parent, struct lm_thread *thread, struct lm_totals totals)
{
	/* Two paths, each byte at most four bytes in the trace; INIT; all else. Not on the stack, which may be small.
	 */
	struct {
		char path[PATH_MAX];
		char line[2 * 4 * PATH_MAX + 2 * LM_RECORD_LINE_MAX];
	} *room = lm_sys_map(sizeof *room);
	uint64_t identity = lm_self_identity();
	struct lm_text text;
	struct iovec parts[2];
	int result;

	if (!room)
		return -1;
	text = (struct lm_text){room->line, room->line + sizeof room->line};
	lm_record_number(&text, LM_TRACE_PID, (uint64_t)lm_sys(SYS_getpid));
	if (identity)
		lm_record_hex(&text, LM_TRACE_PROCESS, identity);
	if (*lm_settings.run) {
		lm_text_string(&text, "# " LM_TRACE_RUN " ");
		lm_text_string(&text, lm_settings.run);
		lm_text_char(&text, '\n');
	}
	if (parent)
		lm_record_number(&text, LM_TRACE_FORKED, parent);
	if (lm_path_exe(room->path, sizeof room->path) == 0)
		lm_record_path(&text, LM_TRACE_EXE, room->path);
	if (lm_path_cwd(room->path, sizeof room->path) == 0)
		lm_record_path(&text, LM_TRACE_CWD, room->path);
	lm_record_number(&text, LM_TRACE_BEGAN, lm_clock_read(CLOCK_REALTIME));
	lm_text_string(&text, lm_record_flavour(lm_real_flavour()));
	lm_text_string(&text, lm_record_format(lm_settings.format));
	if (lm_settings.sample)
		lm_record_number(&text, LM_TRACE_SAMPLE, lm_settings.sample);
	if (lm_settings.before != LM_BEFORE_UNKNOWN)
		lm_record_number(&text, LM_TRACE_BEFORE, lm_settings.before);
	if (thread) {
		read_name(thread->name);
		lm_record_thread(&text, thread->number, thread->owner, thread->name);
	}
	put_mark(&text, LM_TRACE_INIT, totals);
	parts[0] = (struct iovec){room->line, (size_t)(text.at - room->line)};
	result = send_first(parts, 1);
	lm_sys_unmap(room, sizeof *room);
	return result;
}

int lm_marks_begin(uint64_t parent)
{
	struct lm_thread *thread = lm_thread_self();
	int result;

	lm_title_begin(parent != 0);
	/* The user is told what is missing in this trace; what a parent's trace misses does not count. */
	lm_store(&missing, 0);
	result = send_head(parent, thread, lm_account_totals());
	if (result == 0)
		lm_thread_begins(thread);
	return result;
}

int lm_marks_renew(uint64_t parent, struct lm_totals totals)
{
	struct lm_thread *thread = lm_thread_self();
	int result;

	lm_title_begin(1);
	result = send_head(parent, thread, totals);
	if (result == 0 && thread)
		lm_thread_is_named(thread);
	return result;
}

int lm_marks_live(uint64_t count)
{
	return send_number(LM_TRACE_LIVE, count, send_first);
}

int lm_marks_former_thread(unsigned number, uint64_t tid, const char *name)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	lm_record_thread(&text, number, tid, name);
	parts[0].iov_len = (size_t)(text.at - line);
	return send_first(parts, 1);
}

int lm_marks_missed(uint64_t count)
{
	return count ? send_number(LM_TRACE_LOST, count, send_first) : 0;
}

int lm_marks_continued(void)
{
	static const char line[] = "# " LM_TRACE_CONTINUED "\n";
	struct iovec parts[2] = {{(void *)line, sizeof line - 1}};

	return send_first(parts, 1);
}

static int send_fini(void)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2];

	put_mark(&text, LM_TRACE_FINI, lm_account_totals());
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	return send_first(parts, 1);
}

static const char maps_head[] = "# " LM_TRACE_FILE " " LM_TRACE_MAPS "\n";

/* The map is a record apart from FINI: if there is little room left, there may still be enough for FINI. */
static void send_maps(void)
{
	struct lm_whole maps;

	if (lm_maps_read(&maps) == 0) {
		struct iovec parts[3] = {{(void *)maps_head, sizeof maps_head - 1}, {maps.text, maps.length}};

		send_first(parts, 2);
	}
	lm_whole_unread(&maps);
}

uint64_t lm_marks_end_size(void)
{
	/* The lines, and the blanks that fill them up; and some lines of the map for what is mapped meanwhile. */
	uint64_t size = 3 * LM_RECORD_LINE_MAX + sizeof maps_head;
	struct lm_whole maps;

	if (lm_maps_read(&maps) == 0)
		size += maps.length;
	lm_whole_unread(&maps);
	return size;
}

int lm_marks_detached(void)
{
	static const char line[] = "# " LM_TRACE_DETACHED "\n";
	struct iovec parts[2] = {{(void *)line, sizeof line - 1}};

	return send_first(parts, 1);
}

int lm_marks_end(void)
{
	int result = send_fini();

	if (result == 0)
		send_maps();
	return result;
}
