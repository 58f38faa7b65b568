/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See record.h. */
#include "record.h"

/* "+ malloc " and so on. All HEAD_ROOM bytes are copied, since a fixed size is quick to copy. */
#define HEAD_ROOM 24

static const struct {
	char text[HEAD_ROOM];
	unsigned char length;
} heads[] = {
#define HEAD(id, word) [LM_CALL_##id] = {"+ " word " ", sizeof("+ " word " ") - 1},
	LM_TRACE_CALLS(HEAD)
#undef HEAD
};

static inline void put_head(struct lm_text *text, enum lm_call call)
{
	if (__builtin_expect((size_t)(text->end - text->at) >= HEAD_ROOM, 1)) {
		__builtin_memcpy(text->at, heads[call].text, HEAD_ROOM);
		text->at += heads[call].length;
	}
}

/* The word alone. */
static void put_call(struct lm_text *text, enum lm_call call)
{
	const unsigned around = sizeof "+ " - 1;

	lm_text_bytes(text, heads[call].text + around, heads[call].length - around - 1);
}

static const char *const asked[] = {
#define ASKED(id, ask, release) [LM_WAY_##id] = (ask),
	LM_TRACE_WAYS(ASKED)
#undef ASKED
};

static const char *const released[] = {
#define RELEASED(id, ask, release) [LM_WAY_##id] = (release),
	LM_TRACE_WAYS(RELEASED)
#undef RELEASED
};

static int is_release(enum lm_call call)
{
	return call == LM_CALL_FREE || call == LM_CALL_FREE_SIZED || call == LM_CALL_FREE_ALIGNED_SIZED;
}

static inline void put_pair(struct lm_text *text, uint64_t first, const char *between, uint64_t second)
{
	lm_text_unsigned(text, first);
	lm_text_string(text, between);
	lm_text_unsigned(text, second);
}

static inline void put_totals(struct lm_text *text, struct lm_totals totals)
{
	lm_text_string(text, " [");
	lm_text_signed(text, totals.requested);
	lm_text_char(text, ':');
	lm_text_signed(text, totals.usable);
	lm_text_char(text, ']');
}

static inline void put_pointer(struct lm_text *text, const void *p)
{
	lm_text_char(text, ' ');
	lm_text_pointer(text, (uintptr_t)p);
}

/* The requested size. A failed call's change does not tell it. */
static void put_request(struct lm_text *text, const struct lm_event *event)
{
	lm_text_string(text, " (");
	lm_text_unsigned(text, event->size);
	lm_text_char(text, ')');
}

static void put_aligned_request(struct lm_text *text, const struct lm_event *event)
{
	lm_text_string(text, " (");
	if (event->error)
		put_pair(text, event->alignment, " ", event->size);
	else
		lm_text_unsigned(text, event->alignment);
	lm_text_char(text, ')');
}

static void put_resize(struct lm_text *text, const struct lm_event *event)
{
	put_pointer(text, event->old);
	put_pointer(text, event->p);
	lm_text_string(text, " (");
	put_pair(text, event->old_size, " ", event->size);
	if (event->call == LM_CALL_REALLOCARRAY) {
		lm_text_string(text, " : ");
		put_pair(text, event->count, " ", event->each);
	}
	lm_text_char(text, ')');
	put_totals(text, event->totals);
}

/* The fields between the change and the attributes, such as errno. */
static void put_body(struct lm_text *text, const struct lm_event *event)
{
	if (is_release(event->call)) {
		put_pointer(text, event->old);
		put_totals(text, event->totals);
		return;
	}
	if (event->call == LM_CALL_REALLOC || event->call == LM_CALL_REALLOCARRAY) {
		put_resize(text, event);
		return;
	}
	put_pointer(text, event->p);
	switch (event->call) {
	case LM_CALL_CALLOC:
		put_totals(text, event->totals);
		lm_text_string(text, " (");
		put_pair(text, event->count, " ", event->each);
		lm_text_char(text, ')');
		return;
	case LM_CALL_MEMALIGN:
	case LM_CALL_ALIGNED_ALLOC:
		put_aligned_request(text, event);
		break;
	case LM_CALL_POSIX_MEMALIGN:
		lm_text_string(text, " (");
		put_pair(text, event->alignment, " ", event->size);
		lm_text_string(text, " : ");
		lm_text_unsigned(text, (uint64_t)event->error);
		lm_text_char(text, ')');
		break;
	default:
		if (event->error)
			put_request(text, event);
		break;
	}
	put_totals(text, event->totals);
}

void lm_record_event(struct lm_text *text, const struct lm_event *event, const struct lm_statm *statm)
{
	if (event->calling) {
		lm_text_string(text, event->by != event->of ? "# " LM_TRACE_MISMATCH " " : "# " LM_TRACE_CALLING " ");
		put_call(text, event->call);
		lm_text_char(text, ' ');
	} else {
		put_head(text, event->call);
	}
	/* A foreign block's size is written too, though it changes no total. */
	if (is_release(event->call)) {
		lm_text_char(text, '-');
		lm_text_unsigned(text, event->old_size);
	} else {
		lm_text_signed(text, event->change);
	}
	put_body(text, event);
	if (event->foreign)
		lm_text_string(text, LM_TRACE_FOREIGN);
	if (event->error) {
		lm_text_string(text, LM_TRACE_ERRNO);
		lm_text_unsigned(text, (uint64_t)event->error);
	}
	if (event->busy)
		lm_text_string(text, LM_TRACE_BUSY);
	if (event->unseen)
		lm_text_string(text, " " LM_TRACE_UNSEEN "=1");
	if (event->unkept)
		lm_text_string(text, " " LM_TRACE_UNKEPT "=1");
	if (event->by != event->of) {
		lm_text_string(text, " " LM_TRACE_RELEASE "=");
		lm_text_string(text, released[event->by]);
		lm_text_string(text, " " LM_TRACE_ASKED "=");
		lm_text_string(text, asked[event->of]);
	}
	if (event->tells_usable) {
		lm_text_string(text, " " LM_TRACE_USABLE "=");
		lm_text_unsigned(text, event->usable);
	}
	if (event->tells_usable && event->old_usable) {
		lm_text_string(text, " " LM_TRACE_RELEASED "=");
		lm_text_unsigned(text, event->old_usable);
	}
	if (event->backtrace) {
		lm_text_string(text, " " LM_TRACE_BT "=");
		lm_text_unsigned(text, event->backtrace);
	}
	if (event->names_thread) {
		lm_text_string(text, " " LM_TRACE_BY "=");
		lm_text_unsigned(text, event->thread);
	}
	if (statm) {
		lm_text_string(text, " #");
		for (int i = 0; i < LM_TRACE_STATM_FIELDS; i++) {
			if (i)
				lm_text_char(text, ' ');
			lm_text_unsigned(text, statm->pages[i]);
		}
	}
	lm_text_char(text, '\n');
}

static void put_count(struct lm_text *text, const char *between, enum lm_call call, const uint64_t calls[LM_CALL_COUNT])
{
	lm_text_string(text, between);
	lm_text_unsigned(text, calls[call]);
}

void lm_record_mark(struct lm_text *text, const char *mark, struct lm_totals totals,
                    const uint64_t calls[LM_CALL_COUNT])
{
	lm_text_string(text, "+ ");
	lm_text_string(text, mark);
	put_totals(text, totals);
	put_count(text, " malloc=", LM_CALL_MALLOC, calls);
	put_count(text, " calloc=", LM_CALL_CALLOC, calls);
	put_count(text, " realloc=", LM_CALL_REALLOC, calls);
	put_count(text, " memalign=", LM_CALL_MEMALIGN, calls);
	put_count(text, "/", LM_CALL_POSIX_MEMALIGN, calls);
	put_count(text, " valloc=", LM_CALL_VALLOC, calls);
	put_count(text, " free=", LM_CALL_FREE, calls);
	for (enum lm_call call = LM_CALL_FREE + 1; call < LM_CALL_COUNT; call++) {
		lm_text_char(text, ' ');
		put_call(text, call);
		put_count(text, "=", call, calls);
	}
	lm_text_char(text, '\n');
}

static void put_word(struct lm_text *text, const char *word)
{
	lm_text_string(text, "# ");
	lm_text_string(text, word);
	lm_text_char(text, ' ');
}

void lm_record_number(struct lm_text *text, const char *word, uint64_t value)
{
	put_word(text, word);
	lm_text_unsigned(text, value);
	lm_text_char(text, '\n');
}

void lm_record_hex(struct lm_text *text, const char *word, uint64_t value)
{
	put_word(text, word);
	lm_text_hex(text, value);
	lm_text_char(text, '\n');
}

void lm_record_guess(struct lm_text *text, uintptr_t pc)
{
	put_word(text, LM_TRACE_GUESSED);
	lm_text_pointer(text, pc);
	lm_text_char(text, '\n');
}

void lm_record_path(struct lm_text *text, const char *word, const char *path)
{
	put_word(text, word);
	lm_text_path_line(text, path);
	lm_text_char(text, '\n');
}

void lm_record_node(struct lm_text *text, uint64_t number, uint64_t caller, uint64_t frame)
{
	put_word(text, LM_TRACE_NODE);
	put_pair(text, number, " ", caller);
	lm_text_char(text, ' ');
	lm_text_unsigned(text, frame);
	lm_text_char(text, '\n');
}

void lm_record_thread(struct lm_text *text, unsigned number, uint64_t tid, const char *name)
{
	put_word(text, LM_TRACE_THREAD);
	put_pair(text, number, " ", tid);
	lm_text_char(text, ' ');
	lm_text_path_line(text, name);
	lm_text_char(text, '\n');
}

const char *lm_record_format(enum lm_format format)
{
	static const char *const lines[] = {
#define LINE(id, word) [LM_FORMAT_##id] = "# " LM_TRACE_FORMAT " " word "\n",
		LM_TRACE_FORMATS(LINE)
#undef LINE
	};

	return lines[format];
}
