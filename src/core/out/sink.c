/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sink.h. */
#include "sink.h"

#include "direct.h"
#include "journal_file.h"
#include "next.h"
#include "note.h"
#include "process.h"
#include "relay.h"
#include "ring_end.h"
#include "sys.h"
#include "target.h"
#include "wait.h"
#include "warn.h"

#define SOON_MS 100
/* So many records are written directly before a ring is opened. In a sparse sample, there may never be many more. */
#define DIRECT_RECORDS 256
#define SPARSE_RECORDS 64

/* How long the end of the process waits for other threads' records. */
#define CLOSE_MS 1000
/* How long, at most, to wait for another thread that holds the phase: about 10 s (wait.h). */
#define HELD_ROUNDS 100000
/* Behind the end, a ring is waited for so often, a second or two: a thread may never let go of the one before. */
#define LAST_RING_ROUNDS 10000

static struct {
	int fd;
	struct lm_journal_place journal;
	int left;    /* an earlier image's journal could not be written out yet */
	int no_ring; /* the trace is no file and can have no ring, or is to have none */
	unsigned records;
	uint64_t next_flush_ms;
	long ender;       /* the thread that ends the process, once there is one */
	long diverted;    /* the thread that writes the trace's next file, or 0 */
	int no_last_ring; /* behind the end, no ring can be opened */
	int told;         /* the user was told that the trace can't be written */
	int error;        /* -errno of the last failure, until the trace goes on */
} sink = {.fd = -1, .journal.file.fd = -1};

/* ---- when a write fails ---- */

static void tell_stopped(int error)
{
	if (lm_exchange(&sink.told, 1))
		return;
	if (error == -ESTALE)
		lm_warn("the journal of the trace was cut by somebody else, tracing stops", 0);
	else
		lm_warn("cannot write the trace, tracing stops", -error);
}

static void stop_for_good(int error)
{
	if (lm_state_set(LM_PHASE_OFF) == LM_PHASE_OFF)
		return;
	lm_ring_leave_journal();
	tell_stopped(error);
	lm_note_end(lm_load(&lm_state.lost), -error);
}

int lm_sink_failed(int error)
{
	if (!error || error == -EAGAIN)
		return 0;
	/* A child of vfork may have closed its descriptors. That does not concern its parent's trace. */
	if (error == -EDEADLK || error == -ETIMEDOUT || !lm_process_is_owner())
		return -1;
	lm_store(&sink.error, error);
	if (!lm_target_comes_back(error))
		stop_for_good(error);
	else
		tell_stopped(error);
	return -1;
}

int lm_sink_error(void)
{
	return lm_load(&sink.error);
}

/* ---- records ---- */

/* Can the ring lie in a file? */
static int has_journal(void)
{
	return sink.journal.path || sink.journal.file.fd >= 0;
}

static int open_nameless_ring(void)
{
	int fd, error = -1;

	switch (lm_target_kind(&fd)) {
	case LM_TARGET_STREAM:
		error = lm_ring_open_nameless(fd);
		break;
	case LM_TARGET_SINK:
		error = lm_ring_open_nameless(-1);
		break;
	default:
		break;
	}
	/* What is impossible once is not tried again: a relay costs a fork. */
	if (error && error != -EAGAIN)
		lm_store(&sink.no_ring, 1);
	return error;
}

/* Runs while no other thread is in the middle of a direct write. */
static void begin_ring(void)
{
	int error;

	if (lm_state_phase() != LM_PHASE_DIRECT)
		return;
	error = has_journal() ? lm_ring_open(&sink.journal, sink.fd, 0) : open_nameless_ring();
	if (!error)
		lm_state_change(LM_PHASE_DIRECT, LM_PHASE_RING);
}

/* The same behind the end, where there has to be a ring if there can be one. */
static void begin_last_ring(void)
{
	int error;

	if (lm_state_phase() != LM_PHASE_DIRECT)
		return;
	error = has_journal() ? lm_ring_open(&sink.journal, sink.fd, 1) : -1;
	if (!error)
		lm_state_change(LM_PHASE_DIRECT, LM_PHASE_RING);
	/* A thread that has not let go of the ring before is about to. */
	else if (error != -EAGAIN)
		lm_store(&sink.no_last_ring, 1);
}

/* Would the end of the process, which the thread ENDER has begun, cut a write of this thread's in two? 0: nobody has.
 */
static int is_endangered(long ender)
{
	return unlikely(ender) && ender != lm_sys(SYS_gettid);
}

/*
 * A journal that could not be made may be possible later, and a ring that was
 * closed can be opened anew. ROUND counts the tries.
 */
static int write_directly(const struct iovec *parts, int count, unsigned round)
{
	long ender = lm_load_acquire(&sink.ender);

	if (lm_direct_has_several())
		return lm_direct_write(parts, count, &sink.ender, ender);
	if (is_endangered(ender) && !lm_load(&sink.no_last_ring)) {
		lm_direct_locked(begin_last_ring);
		if (round < LAST_RING_ROUNDS)
			return -EAGAIN;
		lm_store(&sink.no_last_ring, 1);
	}
	if (lm_add(&sink.records, 1) % (lm_ring.is_sparse ? SPARSE_RECORDS : DIRECT_RECORDS) == 0 &&
	    !lm_load(&sink.no_ring))
		lm_direct_locked(begin_ring);
	return lm_direct_write(parts, count, &sink.ender, ender);
}

static int write_to_ring(struct lm_ring_slot *slot, const struct iovec *parts, int count)
{
	return slot ? lm_ring_write(slot, parts, count) : -EDEADLK;
}

/* -EAGAIN: another phase is about to come. */
static int write_now(struct lm_ring_slot *slot, const struct iovec *parts, int count, unsigned round)
{
	switch (lm_state_phase()) {
	case LM_PHASE_DIRECT:
		return write_directly(parts, count, round);
	case LM_PHASE_RING:
		return write_to_ring(slot, parts, count);
	case LM_PHASE_HELD:
		return lm_direct_has_several() ? write_directly(parts, count, round) : -EAGAIN;
	default:
		return -EDEADLK;
	}
}

/* A text record that is shorter than a word. */
static int fill_word(struct iovec *part, char word[8])
{
	__builtin_memset(word, ' ', 8);
	__builtin_memcpy(word, part->iov_base, part->iov_len - 1);
	word[7] = '\n';
	*part = (struct iovec){word, 8};
	return 1;
}

/*
 * In a packed trace, blanks in front of a record's newline make its length a multiple of eight. Returns the number of
 * parts. WORD: room for a short one.
 */
static int filled_up(struct iovec *parts, int count, char word[8])
{
	static const char blanks[] = "       \n";
	size_t length = 0, missing;

	if (!lm_ring.is_packed)
		return count;
	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	missing = -length % 8;
	if (!missing)
		return count;
	if (length < 8)
		return fill_word(parts, word);
	parts[count - 1].iov_len--;
	parts[count] = (struct iovec){(void *)(blanks + 7 - missing), missing + 1};
	return count + 1;
}

void lm_sink_set_packed(int is_packed)
{
	lm_ring.is_packed = is_packed;
}

void lm_sink_set_sparse(int is_sparse)
{
	lm_ring.is_sparse = is_sparse;
}

void lm_sink_set_direct(void)
{
	lm_store(&sink.no_ring, 1);
}

static int write_whole(struct lm_ring_slot *slot, const struct iovec *parts, int count)
{
	int result = write_now(slot, parts, count, 0);

	for (unsigned round = 1; result == -EAGAIN && round < HELD_ROUNDS; round++) {
		/* The first time, it may be this thread that changed the phase: there is nothing to wait for then. */
		if (round > 1)
			lm_wait_pause(round);
		result = write_now(slot, parts, count, round);
	}
	/* The record's rest is kept, and written before all others. */
	if (result > 0) {
		tell_stopped(-result);
		return 0;
	}
	return result == -EAGAIN ? -1 : lm_sink_failed(result);
}

static int is_diverted(void)
{
	long thread = lm_load(&sink.diverted);

	return unlikely(thread) && thread == lm_sys(SYS_gettid);
}

int lm_sink_write(struct lm_ring_slot *slot, struct iovec *parts, int count)
{
	char word[8];

	count = filled_up(parts, count, word);
	return is_diverted() ? lm_next_write(parts, count) : write_whole(slot, parts, count);
}

int lm_sink_begin_several(const struct lm_signals *signals, int thread)
{
	return lm_direct_begin_several(signals, thread, &sink.ender);
}

void lm_sink_end_several(void)
{
	lm_direct_end_several();
}

int lm_sink_is_due(uint64_t ms)
{
	return ms >= lm_load(&sink.next_flush_ms);
}

void lm_sink_tick(uint64_t ms)
{
	uint64_t next = lm_load(&sink.next_flush_ms);

	if (ms >= next && lm_ring_is_open() && lm_compare_exchange(&sink.next_flush_ms, &next, ms + SOON_MS))
		lm_sink_failed(lm_ring_flush());
}

void lm_sink_flush(void)
{
	if (lm_ring_is_open())
		lm_sink_failed(lm_ring_flush_now());
}

uint64_t lm_sink_size(void)
{
	return lm_direct_written() + (lm_load(&lm_hot.head) & ~LM_RING_SEALED);
}

/* ---- beginning, going on, ending ---- */

int lm_sink_give_journal(int fd)
{
	return lm_descriptor_keep(&sink.journal.file, fd);
}

int lm_sink_open(int fd)
{
	return lm_target_open(fd);
}

static int take_over(void)
{
	int error = sink.journal.path ? lm_journal_file_take_over(sink.journal.path, sink.fd) : 0;

	sink.left = error != 0;
	return error;
}

static void await_relay(void)
{
	int fd;

	if (lm_target_kind(&fd) == LM_TARGET_STREAM)
		lm_relay_await(fd);
}

int lm_sink_begin(int fd)
{
	sink.fd = fd;
	/* What was made for this trace has nothing of an earlier image. */
	if (sink.journal.file.fd >= 0) {
		sink.journal.path = lm_descriptor_path(sink.journal.file.fd);
		return 0;
	}
	sink.journal.path = lm_journal_file_path(fd);
	if (!sink.journal.path)
		lm_direct_locked(await_relay);
	return take_over();
}

int lm_sink_write_first(struct lm_ring_slot *slot, struct iovec *parts, int count)
{
	char word[8];
	int result;

	count = filled_up(parts, count, word);
	if (is_diverted())
		return lm_next_write(parts, count);
	/* The earlier image's records have to be written before this one. */
	if (sink.left)
		return -1;
	if (lm_ring_is_open() && lm_ring_is_sealed())
		return lm_ring_append_last(parts, count);
	if (lm_ring_is_open())
		return lm_sink_failed(write_to_ring(slot, parts, count));
	result = lm_direct_write_first(parts, count);
	return result > 0 ? 0 : lm_sink_failed(result);
}

int lm_sink_resume(enum lm_phase *next)
{
	int error;

	*next = LM_PHASE_DIRECT;
	if (!lm_target_has_room())
		return -ENOSPC;
	lm_store(&sink.error, 0);
	if (sink.left) {
		error = take_over();
		if (error)
			return error;
	}
	if (!lm_ring_is_open()) {
		/* There may be room for a journal now, so behind some more records it is tried again. */
		lm_store(&sink.records, 0);
		return lm_direct_write_rest();
	}
	error = lm_ring_resume();
	if (!error)
		*next = LM_PHASE_RING;
	return error > 0 ? 0 : error;
}

/* Moves the phase to HELD, if there is a trace. If another thread holds it, waits. 0, or -1. */
static int hold(void)
{
	for (unsigned round = 0; round < HELD_ROUNDS; round++) {
		enum lm_phase phase = lm_state_phase();

		if (phase < LM_PHASE_HELD || phase == LM_PHASE_OFF)
			return -1;
		if (phase != LM_PHASE_HELD && lm_state_change(phase, LM_PHASE_HELD))
			return 0;
		lm_wait_pause(round);
	}
	return -1;
}

int lm_sink_hold(struct lm_signals *signals)
{
	int error = 0;

	lm_signals_block(signals);
	if (hold() != 0) {
		lm_signals_unblock(signals, 0);
		return -EBADF;
	}
	lm_store(&sink.ender, lm_sys(SYS_gettid));
	/* A thread may be just opening a ring: this waits until it has. */
	lm_direct_wait_for_others();
	if (sink.left)
		error = take_over();
	if (!error && lm_ring_is_open())
		error = lm_ring_close(CLOSE_MS);
	if (!error)
		lm_journal_file_remove_given(&sink.journal);
	lm_store(&sink.no_last_ring, 0);
	lm_store(&sink.records, 0);
	return error;
}

void lm_sink_release(const struct lm_signals *signals)
{
	/* If the ring is still open, it could not be written out. */
	lm_state_change(LM_PHASE_HELD, lm_ring_is_open() ? LM_PHASE_STOPPED : LM_PHASE_DIRECT);
	lm_signals_unblock(signals, 0);
}

int lm_sink_pause(struct lm_signals *signals)
{
	lm_signals_block(signals);
	if (lm_state_change(LM_PHASE_DIRECT, LM_PHASE_HELD)) {
		lm_direct_wait_for_others();
		if (!lm_load(&sink.ender) && !sink.left)
			return 0;
		lm_state_change(LM_PHASE_HELD, LM_PHASE_DIRECT);
	}
	lm_signals_unblock(signals, 0);
	return -EAGAIN;
}

void lm_sink_go_on(const struct lm_signals *signals)
{
	lm_state_change(LM_PHASE_HELD, LM_PHASE_DIRECT);
	lm_signals_unblock(signals, 0);
}

void lm_sink_divert(int is_diverted)
{
	lm_store(&sink.diverted, is_diverted ? lm_sys(SYS_gettid) : 0);
}

void lm_sink_move(void)
{
	lm_direct_move(lm_next_file());
	sink.fd = lm_next_file()->fd;
	lm_next_end();
}

void lm_sink_goes_on(void)
{
	lm_store(&sink.ender, 0);
	lm_ring_goes_on();
}

void lm_sink_lock_out(void)
{
	lm_direct_lock_out();
}

/* ---- without a trace ---- */

void lm_sink_leave(void)
{
	lm_ring_detach();
	lm_direct_reset_lock();
}

void lm_sink_forget(void)
{
	lm_ring_forget();
	lm_direct_forget();
	lm_note_forget();
	lm_descriptor_close(&sink.journal.file);
	__builtin_memset(&sink, 0, sizeof sink);
	sink.fd = sink.journal.file.fd = -1;
}
