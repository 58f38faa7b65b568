/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Begin and end of a trace, and the rest of what log-malloc2-embedded.h and log-malloc2.h have. */
#include "session.h"

#include "account.h"
#include "event.h"
#include "log-malloc2-embedded.h"
#include "log-malloc2.h"
#include "output.h"
#include "table.h"
#include "turn.h"

/* ---- the head ---- */

/* A note of the linker, as ELF has it: three numbers, the name "GNU" and the build-id. There may be none at its place.
 */
static void put_build_id(struct lm_text *text, const unsigned char *note)
{
	struct {
		uint32_t name_size, size, type;
	} head = {0};

	if (note)
		__builtin_memcpy(&head, note, sizeof head);
	if (head.name_size != 4 || head.type != 3 || head.size > 20) {
		lm_text_char(text, '-');
		return;
	}
	for (note += 16; head.size--; note++) {
		lm_text_hex(text, *note >> 4);
		lm_text_hex(text, *note & 15);
	}
}

/* The program is one module, at the addresses that it was linked for. */
static void send_module(void)
{
	char line[160];
	struct lm_text text = {line, line + sizeof line - 9};

	lm_text_string(&text, "# " LM_TRACE_MODULE " 0-");
	lm_text_hex(&text, UINTPTR_MAX);
	lm_text_string(&text, " 0 ");
	put_build_id(&text, log_malloc_build_id);
	lm_text_char(&text, ' ');
	lm_text_path_line(&text, log_malloc_program);
	text.end = line + sizeof line;
	lm_text_char(&text, '\n');
	lm_output_send_text(line, &text);
}

static void send_callers(void)
{
	char line[64];
	struct lm_text text = {line, line + sizeof line};

	lm_text_string(&text, "# " LM_TRACE_CALLERS " ");
	lm_text_hex(&text, lm_event_callers_from());
	lm_text_char(&text, ' ');
	lm_text_unsigned(&text, LM_CALLERS_STEP);
	lm_text_char(&text, '\n');
	lm_output_send_text(line, &text);
}

static void send_string(const char *string)
{
	char line[48];
	struct lm_text text = {line, line + sizeof line};

	lm_text_string(&text, string);
	lm_output_send_text(line, &text);
}

void lm_session_send_head(void)
{
	send_string("# " LM_TRACE_PID " 1\n");
	send_string(lm_record_flavour(LM_FLAVOUR_EMBEDDED));
	send_string(lm_record_format(lm_output.format));
	send_module();
	send_callers();
	send_string("# " LM_TRACE_THREAD " 1 0 main\n");
	send_string("+ " LM_TRACE_INIT " [0:0]\n");
}

/* ---- begin and end ---- */

static int send_task(uintptr_t handle, const struct lm_table_block *task, void *arg)
{
	(void)arg;
	lm_session_send_task(task->size, handle);
	return 0;
}

static int send_block(uintptr_t address, const struct lm_table_block *block, void *arg)
{
	const void *p = (const void *)address;
	struct lm_event event = {.call = LM_CALL_MALLOC, .p = p, .size = block->size, .change = (int64_t)block->size};
	/* The stack of then is gone. */
	struct lm_caller caller = {.pc = (lm_event_callers_from() & ~(uintptr_t)UINT32_MAX) | block->caller};

	(void)arg;
	event.thread = block->thread;
	event.totals = lm_event_account(event.change);
	lm_event_write(&event, block->caller ? &caller : NULL);
	return 0;
}

void lm_session_send_task(unsigned number, uintptr_t handle)
{
	char line[64];
	struct lm_text text = {line, line + sizeof line - 9};

	lm_record_thread(&text, number, handle, lm_port_task_name(handle));
	/* A long name is cut, and the newline with it. */
	text.at[-1] = '\n';
	text.end = line + sizeof line;
	lm_output_send_text(line, &text);
}

void lm_session_send_live(void)
{
	lm_hot.requested = 0;
	lm_table_visit(1, send_task, NULL);
	lm_table_visit(0, send_block, NULL);
}

void log_malloc_set_writer(log_malloc_writer *writer, void *arg)
{
	uintptr_t state;

	if (lm_port_lock(&state) != 0)
		return;
	lm_output.writer = writer;
	lm_output.arg = arg;
	lm_output.is_torn = 0;
	/* What was lost until now, this trace does not lack. */
	lm_output.untold = 0;
	if (writer) {
		lm_session_send_head();
		lm_session_send_live();
	}
	lm_output_settle();
	lm_port_unlock(state);
}

void log_malloc_set_format(enum log_malloc_format format)
{
	lm_output.format = format & 3;
}

void log_malloc_trace_finish(void)
{
	uintptr_t state;
	char line[64];
	struct lm_text text = {line, line + sizeof line};

	if (lm_port_lock(&state) != 0)
		return;
	lm_text_string(&text, "+ " LM_TRACE_FINI " [");
	lm_text_signed(&text, lm_hot.requested);
	lm_text_string(&text, ":0]\n");
	if (lm_output.writer)
		lm_output_send_text(line, &text);
	lm_port_unlock(state);
}

uint32_t log_malloc_get_lost(void)
{
	return lm_output.lost;
}

static void want(int wanted)
{
	uintptr_t state;

	if (lm_port_lock(&state) != 0)
		return;
	lm_output.is_off = !wanted;
	lm_output_settle();
	lm_port_unlock(state);
}

void log_malloc_trace_enable(void)
{
	want(1);
}

void log_malloc_trace_disable(void)
{
	want(0);
}

size_t log_malloc_get_usage(void)
{
	size_t usage = 0;
	uintptr_t state;

	if (lm_port_lock(&state) == 0) {
		usage = (size_t)lm_hot.requested;
		lm_port_unlock(state);
	}
	return usage;
}
