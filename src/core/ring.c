/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See ring.h and journal.h. No locks: one thread at a time writes out, and who
 * finds it busy goes on, unless the ring is full. Whoever waits, waits for
 * another thread's write or for a record that another thread is copying.
 *
 * Which records are whole is not counted: each thread says where the one
 * begins that it is at, and up to the first of those everything is whole.
 */
#include "ring.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "arena.h"
#include "descriptor.h"
#include "direct.h"
#include "record.h"
#include "signals.h"
#include "sys.h"
#include "text.h"
#include "trace_format.h"

#define likely(x) __builtin_expect(!!(x), 1)

/* No progress for so long: a thread will not finish its record any more. */
#define STALL_MS 2000
/* The same at the end, when a handler may have called exit() on top of it. */
#define SEAL_MS 500
/* A write that failed is not tried again before. */
#define RETRY_MS 100
/* Of address space: the journal, and its ring once more. */
#define MAPPED (LM_JOURNAL_SIZE + LM_JOURNAL_RING)
/* What a handler on top of a half-written record leaves free for others. */
#define NESTED_ROOM (LM_JOURNAL_RING / 4)
/* What is left free for the end of a trace that can't be written: lm_ring_write_last(). */
#define LAST_ROOM   LM_RING_PIECE
#define RECORD_ROOM (LM_JOURNAL_RING - LAST_ROOM)

struct lm_ring lm_ring;

static struct {
	struct lm_journal_header *header;
	const char *path;
	int flushing;
	int drained; /* sealed, and everything is written */
	int error;   /* of the last write, or 0 */
	uint64_t retry_ms;
	/*
	 * It could not be written out, and is full: -errno, and it is sealed. From
	 * UNFILLED on, nobody fills the places that were reserved.
	 */
	int stopped;
	uint64_t stopped_ms;
	uint64_t unfilled;
	uint64_t lost;
} ring;

int lm_ring_is_open(void)
{
	return __atomic_load_n(&lm_ring.bytes, __ATOMIC_ACQUIRE) && !__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE);
}

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- writing out ---- */

static int is_stopped(void)
{
	return __atomic_load_n(&ring.stopped, __ATOMIC_ACQUIRE) != 0;
}

/*
 * All signals are blocked meanwhile: with a handler that leaves by longjmp, or
 * a thread that is cancelled, whatever it is at, nobody could flush ever again.
 * Returns 0 if somebody else is at it.
 */
static int begin_flush(struct lm_signals *signals)
{
	if (__atomic_load_n(&ring.flushing, __ATOMIC_RELAXED))
		return 0;
	lm_signals_block(signals);
	if (__atomic_exchange_n(&ring.flushing, 1, __ATOMIC_ACQUIRE) == 0)
		return 1;
	lm_signals_unblock(signals, 0);
	return 0;
}

static void end_flush(const struct lm_signals *signals)
{
	__atomic_store_n(&ring.flushing, 0, __ATOMIC_RELEASE);
	lm_signals_unblock(signals, 0);
}

/* What of the ring BYTES lies between FROM and TO: *WRITTEN bytes of it, and -errno if that is not all. */
static int write_stretch(const unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *written)
{
	size_t done = 0;
	int error = 0;

	if (to > from)
		error = lm_direct_write_some(bytes + from % LM_JOURNAL_RING, (size_t)(to - from), &done);
	*written = done;
	return error;
}

/*
 * Everything before this position is whole, if it is not past HEAD. A thread
 * says where its record may begin before it reserves it: who is not seen here
 * reserved behind HEAD.
 */
static uint64_t whole_before(uint64_t head)
{
	for (const struct lm_thread *thread = lm_thread_first(); thread; thread = thread->next) {
		uint64_t pending = load(&thread->pending);

		/* What was looked at while the ring was sealed says so. */
		if (pending && ((pending - 1) & ~LM_JOURNAL_SEALED) < head)
			head = (pending - 1) & ~LM_JOURNAL_SEALED;
	}
	return head;
}

/* So long, an error is no reason to try again. */
static int is_too_early(void)
{
	return __atomic_load_n(&ring.error, __ATOMIC_ACQUIRE) && now_ms() < load(&ring.retry_ms);
}

static void note_result(int error)
{
	if (error)
		__atomic_store_n(&ring.retry_ms, now_ms() + RETRY_MS, __ATOMIC_RELAXED);
	__atomic_store_n(&ring.error, error, __ATOMIC_RELEASE);
}

/*
 * The next bytes go to the trace, and their place is free again: 0 first, and
 * only then told to be. So do those that got there before an error: the trace's
 * size tells how much of the stream it has.
 */
static int flush_piece(uint64_t tail, uint64_t end)
{
	uint64_t written;
	int error;

	lm_direct_grows_to(ring.header->base + end);
	error = write_stretch(lm_ring.bytes, tail, end, &written);
	__builtin_memset(lm_ring.bytes + tail % LM_JOURNAL_RING, 0, written);
	__atomic_store_n(&ring.header->tail, tail + written, __ATOMIC_RELEASE);
	__atomic_store_n(&lm_ring.limit, tail + written + RECORD_ROOM, __ATOMIC_RELEASE);
	return error;
}

/* About a piece of what is whole: to where a record ends, for whoever reads the trace meanwhile. */
static uint64_t piece_end(uint64_t tail, uint64_t to)
{
	const unsigned char *bytes = lm_ring.bytes + tail % LM_JOURNAL_RING;

	if (to - tail < 2 * LM_RING_PIECE)
		return to;
	for (size_t length = LM_RING_PIECE; length; length--) {
		if (bytes[length - 1] == '\n' && (bytes[length] == '+' || bytes[length] == '#'))
			return tail + length;
	}
	return to;
}

/* Writes out what is whole: in pieces, as nobody is to wait longer than for one. Only for who has begun a flush. */
static int flush(uint64_t head)
{
	uint64_t to = whole_before(head);
	int error = 0;

	if (to > ring.unfilled)
		to = ring.unfilled;
	while (!error && ring.header->tail < to)
		error = flush_piece(ring.header->tail, piece_end(ring.header->tail, to));
	note_result(error);
	return error;
}

/* The same, if nobody else is at it. */
static int try_flush(uint64_t head)
{
	struct lm_signals signals;
	int error;

	if (!begin_flush(&signals))
		return 0;
	error = is_stopped() ? 0 : flush(head);
	end_flush(&signals);
	return error;
}

/* What may go well later is no error yet: there is room in the ring. */
int lm_ring_flush_whole(void)
{
	uint64_t head = __atomic_load_n(&lm_hot.head, __ATOMIC_SEQ_CST);
	int error;

	if (head & LM_JOURNAL_SEALED || is_too_early())
		return 0;
	error = try_flush(head);
	return lm_direct_comes_back(error) ? 0 : error;
}

/* ---- waiting ---- */

/* Short at first: the write of a piece takes some tens of microseconds. */
static void pause_briefly(unsigned round)
{
	const struct timespec pause = {0, 100000};

	if (round < 50)
		lm_sys(SYS_sched_yield);
	else
		lm_sys(SYS_nanosleep, &pause, NULL);
}

/* Until bytes up to END have room. 0, or -errno; -EAGAIN after a stall, which ends the ring. */
static int wait_for_room(uint64_t end)
{
	uint64_t since = 0, before = load(&lm_ring.limit);

	for (unsigned round = 0; end > load(&lm_ring.limit); round++) {
		int error = lm_ring_flush_whole();

		if (!error)
			error = __atomic_load_n(&ring.error, __ATOMIC_ACQUIRE);
		if (error)
			return end > load(&lm_ring.limit) ? error : 0;
		if (__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE))
			return -EAGAIN;
		pause_briefly(round);
		if (load(&lm_ring.limit) != before) {
			before = load(&lm_ring.limit);
			since = 0;
		} else if (!since) {
			since = now_ms();
		} else if (now_ms() - since > STALL_MS && !__atomic_load_n(&ring.flushing, __ATOMIC_RELAXED)) {
			return -EAGAIN;
		}
	}
	return 0;
}

/* The ring is sealed: until it is empty, too, so that what follows stands behind. -EAGAIN, or -errno. */
static int wait_for_drain(int is_nested)
{
	for (unsigned round = 0; !__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE); round++) {
		int error = __atomic_load_n(&ring.stopped, __ATOMIC_ACQUIRE);

		if (error)
			return error;
		/* It goes on without us. */
		if (!(load(&lm_hot.head) & LM_JOURNAL_SEALED))
			return -ENOSPC;
		if (is_nested || round > 50 + 10 * STALL_MS)
			break;
		pause_briefly(round);
	}
	return -EAGAIN;
}

/* Nobody else writes out from here on, unless he never comes to an end. */
static void take_flush(struct lm_signals *signals)
{
	uint64_t start = now_ms();

	lm_signals_block(signals);
	for (unsigned round = 0; __atomic_exchange_n(&ring.flushing, 1, __ATOMIC_ACQUIRE); round++) {
		if (now_ms() - start >= STALL_MS)
			break;
		pause_briefly(round);
	}
}

/* Nothing is recorded any more until lm_ring_resume(). */
static void stop(int error)
{
	__atomic_store_n(&ring.stopped_ms, now_ms(), __ATOMIC_RELAXED);
	__atomic_store_n(&ring.stopped, error, __ATOMIC_RELEASE);
	__atomic_fetch_or(&lm_hot.head, LM_JOURNAL_SEALED, __ATOMIC_SEQ_CST);
}

static void give_back(struct lm_thread *thread)
{
	thread->pending_length = 0;
	__atomic_store_n(&thread->pending, 0, __ATOMIC_RELEASE);
}

/*
 * There is no room for LENGTH bytes at POSITION, and ERROR in the way of more.
 * With -EAGAIN, a thread is; else whoever reserved later has none either, since
 * nothing is written out from here on. ERROR, or 0 if there was room after all.
 */
static int give_up_place(uint64_t position, uint32_t length, int error)
{
	struct lm_signals signals;

	take_flush(&signals);
	if (position + length <= load(&lm_ring.limit)) {
		error = 0;
	} else {
		if (error != -EAGAIN)
			stop(error);
		if (position < ring.unfilled)
			ring.unfilled = position;
	}
	end_flush(&signals);
	return error;
}

static int give_up_ring(void)
{
	int error = lm_ring_seal();

	return error ? error : -EAGAIN;
}

int lm_ring_wait(struct lm_thread *thread, uint64_t position, uint32_t length)
{
	int error;

	if (position & LM_JOURNAL_SEALED) {
		give_back(thread);
		return wait_for_drain(0);
	}
	error = wait_for_room(position + length);
	if (error && !__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE))
		error = give_up_place(position, length, error);
	if (!error)
		return 0;
	give_back(thread);
	return error == -EAGAIN ? give_up_ring() : error;
}

/* ---- recording ---- */

/* As a line of information that says nothing; whoever looks meanwhile sees a gap. */
static void fill_with_nothing(unsigned char *place, uint32_t length)
{
	uint64_t first;

	lm_ring_store_first(place, lm_ring_pending_word(length));
	__builtin_memset(place + 8, ' ', length - 8);
	place[length - 1] = '\n';
	__builtin_memcpy(&first, "#       ", 8);
	lm_ring_store_first(place, first);
}

void lm_ring_abandon_record(struct lm_thread *thread)
{
	uint64_t position = thread->pending - 1;
	uint32_t length = thread->pending_length;

	if (!thread->pending)
		return;
	if (length && !(position & LM_JOURNAL_SEALED)) {
		int error = wait_for_room(position + length);

		if (error)
			error = give_up_place(position, length, error);
		if (!error)
			fill_with_nothing(lm_ring.bytes + position % LM_JOURNAL_RING, length);
		__atomic_add_fetch(&ring.lost, 1, __ATOMIC_RELAXED);
	}
	give_back(thread);
}

static void fill(unsigned char *place, const struct iovec *parts, int count)
{
	unsigned char *at = place + 8;

	for (int i = 0; i < count; i++) {
		size_t skip = i ? 0 : 8;

		__builtin_memcpy(at, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
		at += parts[i].iov_len - skip;
	}
}

/*
 * A handler on top of a record that its own thread is at: what it records must
 * not wait for room, which that record may be in the way of.
 */
static int write_nested(const struct iovec *parts, int count, uint32_t length)
{
	uint64_t head = __atomic_load_n(&lm_hot.head, __ATOMIC_RELAXED), position, first;
	unsigned char *place;

	if (head & LM_JOURNAL_SEALED)
		return wait_for_drain(1);
	if (head + length + NESTED_ROOM > load(&lm_ring.limit)) {
		__atomic_add_fetch(&ring.lost, 1, __ATOMIC_RELAXED);
		return 0;
	}
	position = lm_fetch_add(&lm_hot.head, length, lm_is_single_threaded());
	if (position & LM_JOURNAL_SEALED)
		return wait_for_drain(1);
	place = lm_ring.bytes + position % LM_JOURNAL_RING;
	lm_ring_store_first(place, lm_ring_pending_word(length));
	fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, 8);
	lm_ring_store_first(place, first);
	return 0;
}

int lm_ring_write(const struct iovec *parts, int count)
{
	struct lm_thread *thread = lm_thread_self();
	unsigned char *place;
	uint32_t length = 0;
	uint64_t first;
	int error = 0;

	for (int i = 0; i < count; i++)
		length += (uint32_t)parts[i].iov_len;
	if (!thread) {
		__atomic_add_fetch(&ring.lost, 1, __ATOMIC_RELAXED);
		return 0;
	}
	if (thread->pending)
		return write_nested(parts, count, length);
	place = lm_ring_reserve(thread, length, &error);
	if (!place)
		return error;
	fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, 8);
	return lm_ring_commit(thread, place, first);
}

/* ---- the end, and going on ---- */

/*
 * Places in the ring BYTES between FROM and TO that were not filled are made to
 * say nothing: the trace's size goes on telling what of the stream it has,
 * wherever writing that ends. TO, or where the last such place begins if
 * nothing follows it. *GAPS goes up by what was found.
 */
static uint64_t fill_gaps(unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = from;

	for (; lm_journal_next(bytes, at, to, &piece); at += piece.length) {
		if (!piece.is_gap)
			continue;
		++*gaps;
		if (at + piece.length == to)
			return at;
		fill_with_nothing(bytes + at % LM_JOURNAL_RING, (uint32_t)piece.length);
	}
	return to;
}

static int write_lost(uint64_t count)
{
	char line[64];
	struct lm_text text = {line, line + sizeof line};
	struct iovec part = {line, 0};

	if (!count)
		return 0;
	lm_record_number(&text, LM_TRACE_LOST, count);
	part.iov_len = (size_t)(text.at - line);
	return lm_direct_write(&part, 1);
}

/* Has everybody who had a place before END filled it? */
static int is_whole(uint64_t end)
{
	return whole_before(end) == end;
}

/* Where a sealed ring ends. */
static uint64_t sealed_end(void)
{
	uint64_t end = load(&lm_hot.head) & ~LM_JOURNAL_SEALED;

	if (ring.header->end)
		return ring.header->end & ~LM_JOURNAL_SEALED;
	/* Who waited for room in vain has a place behind the ring's end, and writes for itself. */
	if (end > load(&lm_ring.limit))
		end = load(&lm_ring.limit);
	return ring.stopped && end > ring.unfilled ? ring.unfilled : end;
}

/* Writes out what is left of a sealed ring, whole or not, and removes it. Only for who has begun a flush. */
static int drain(void)
{
	uint64_t end = sealed_end(), written, gaps = 0, lost;
	int error;

	end = fill_gaps(lm_ring.bytes, ring.header->tail, end, &gaps);
	lost = __atomic_add_fetch(&ring.lost, gaps, __ATOMIC_RELAXED);
	__atomic_store_n(&ring.header->end, LM_JOURNAL_SEALED | end, __ATOMIC_RELEASE);
	error = write_stretch(lm_ring.bytes, ring.header->tail, end, &written);
	__atomic_store_n(&ring.header->tail, ring.header->tail + written, __ATOMIC_RELEASE);
	if (!error)
		error = lm_direct_retry();
	if (!error)
		error = write_lost(lost);
	if (error)
		return error;
	__atomic_sub_fetch(&ring.lost, lost, __ATOMIC_RELAXED);
	lm_direct_trim();
	lm_sys(SYS_unlinkat, AT_FDCWD, ring.path, 0);
	__atomic_store_n(&ring.drained, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&ring.stopped, 0, __ATOMIC_RELEASE);
	return 0;
}

int lm_ring_seal(void)
{
	uint64_t end = __atomic_fetch_or(&lm_hot.head, LM_JOURNAL_SEALED, __ATOMIC_SEQ_CST), start = now_ms();
	const struct lm_thread *self = lm_thread_self();
	struct lm_signals signals;
	int error;

	if (end & LM_JOURNAL_SEALED) {
		error = wait_for_drain(self && self->pending);
		return error == -EAGAIN ? 0 : error;
	}
	for (unsigned round = 0; !is_whole(end) && now_ms() - start < SEAL_MS; round++) {
		if (!is_too_early())
			try_flush(end);
		pause_briefly(round);
	}
	take_flush(&signals);
	error = drain();
	/* What could not be written stays in the journal. */
	if (error)
		stop(error);
	end_flush(&signals);
	return error;
}

/* The same, where the stream of a stopped ring ends. Only for who has begun a flush. 0, or -1. */
static int append(const struct iovec *parts, int count, uint32_t length)
{
	uint64_t at = sealed_end(), first;
	unsigned char *place = lm_ring.bytes + at % LM_JOURNAL_RING;

	if (!is_whole(load(&lm_hot.head) & ~LM_JOURNAL_SEALED) || at + length > ring.header->tail + LM_JOURNAL_RING)
		return -1;
	lm_ring_store_first(place, lm_ring_pending_word(length));
	fill(place, parts, count);
	__builtin_memcpy(&first, parts[0].iov_base, 8);
	lm_ring_store_first(place, first);
	/* It is the last: the ring will not go on. */
	__atomic_store_n(&ring.header->end, LM_JOURNAL_SEALED | (at + length), __ATOMIC_RELEASE);
	return 0;
}

int lm_ring_write_last(const struct iovec *parts, int count)
{
	struct lm_signals signals;
	uint32_t length = 0;
	int result;

	for (int i = 0; i < count; i++)
		length += (uint32_t)parts[i].iov_len;
	take_flush(&signals);
	result = is_stopped() ? append(parts, count, length) : -1;
	end_flush(&signals);
	return result;
}

/*
 * All that was recorded is in the trace. The places that were given up become a
 * line that says nothing, and the ring goes on behind it. Only for who has begun
 * a flush.
 */
static int unseal(struct lm_thread *self)
{
	uint64_t from = ring.header->tail, head = load(&lm_hot.head), to = head & ~LM_JOURNAL_SEALED;

	if (to - from > LM_JOURNAL_RING / 2)
		return drain();
	self->pending_length = (uint32_t)(to - from);
	__atomic_store_n(&self->pending, from + 1, __ATOMIC_RELEASE);
	/* Or somebody was just about to record. */
	if (!__atomic_compare_exchange_n(&lm_hot.head, &head, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		give_back(self);
		return -EAGAIN;
	}
	ring.unfilled = UINT64_MAX;
	__atomic_store_n(&ring.stopped, 0, __ATOMIC_RELEASE);
	if (to > from)
		fill_with_nothing(lm_ring.bytes + from % LM_JOURNAL_RING, (uint32_t)(to - from));
	give_back(self);
	return 0;
}

static int resume(struct lm_thread *self, int for_good)
{
	uint64_t head = load(&lm_hot.head) & ~LM_JOURNAL_SEALED;
	int error;

	if (for_good || ring.header->end)
		return drain();
	/* Somebody has not seen yet that he waits in vain, or will never be through with his record. */
	if (!is_whole(head))
		return now_ms() - load(&ring.stopped_ms) > STALL_MS ? drain() : -EAGAIN;
	error = flush(head);
	return error ? error : unseal(self);
}

int lm_ring_resume(int for_good)
{
	struct lm_thread *self = lm_thread_self();
	struct lm_signals signals;
	int error;

	if (!self || self->pending || !begin_flush(&signals))
		return -EAGAIN;
	error = is_stopped() ? resume(self, for_good) : 0;
	end_flush(&signals);
	return error;
}

/* ---- the beginning ---- */

/* The journal's path, the arena's; NULL where the trace's can't be told. */
static const char *journal_path(int fd)
{
	const char *trace = lm_descriptor_path(fd);
	size_t length = trace ? __builtin_strlen(trace) : 0;
	char *path = trace ? lm_arena_alloc(length + sizeof LM_JOURNAL_SUFFIX) : NULL;

	if (!path)
		return NULL;
	__builtin_memcpy(path, trace, length);
	__builtin_memcpy(path + length, LM_JOURNAL_SUFFIX, sizeof LM_JOURNAL_SUFFIX);
	return path;
}

/* The header's page and the ring, and the ring again behind it. */
static struct lm_journal_header *map_journal(int fd)
{
	const int access = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_FIXED;
	char *at = mmap(NULL, MAPPED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (mmap(at, LM_JOURNAL_SIZE, access, how, fd, 0) != MAP_FAILED &&
	    mmap(at + LM_JOURNAL_SIZE, LM_JOURNAL_RING, access, how, fd, LM_JOURNAL_HEADER) != MAP_FAILED)
		return (struct lm_journal_header *)(void *)at;
	lm_sys_unmap(at, MAPPED);
	return NULL;
}

static unsigned char *ring_of(struct lm_journal_header *header)
{
	return (unsigned char *)header + LM_JOURNAL_HEADER;
}

/* What is left of a trace that was emptied since is of no use; but before the first flush, it was empty at exec. */
static int is_about(const struct lm_journal_header *left, const struct stat *trace)
{
	return left->device == trace->st_dev && left->inode == trace->st_ino &&
	       (trace->st_size || left->pid == (uint64_t)lm_sys(SYS_getpid));
}

/* 0, or -errno: then it has to be done again. */
static int append_left(struct lm_journal_header *left, const struct stat *trace)
{
	uint64_t written = (uint64_t)trace->st_size - left->base, limit = left->tail + LM_JOURNAL_RING;
	uint64_t gaps = 0, head, done;

	if (left->end && (left->end & ~LM_JOURNAL_SEALED) < limit)
		limit = left->end & ~LM_JOURNAL_SEALED;
	if (written < left->tail || written > limit)
		return 0;
	head = fill_gaps(ring_of(left), written, lm_journal_end(ring_of(left), written, limit), &gaps);
	return write_stretch(ring_of(left), written, head, &done);
}

/*
 * An earlier image of this process, before it called exec, may have left
 * records; so may another process that appended to the same file and was
 * killed. A trace that was emptied since has no use for them.
 */
static int take_over(const char *path, const struct stat *trace)
{
	int fd = lm_sys_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0);
	struct lm_journal_header *left = NULL;
	struct stat status;
	int error = 0;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == LM_JOURNAL_SIZE)
		left = map_journal(fd);
	lm_sys_close(fd);
	if (!left)
		return 0;
	if (left->magic == LM_JOURNAL_MAGIC && is_about(left, trace))
		error = append_left(left, trace);
	/* What could not be written stays there. */
	if (!error && (left->magic == LM_JOURNAL_MAGIC || left->magic == 0))
		lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
	lm_sys_unmap(left, MAPPED);
	return error;
}

/* A file of the journal's size with its blocks allocated: on a full disk, touching a hole would be a SIGBUS. */
static int make_file(const char *path)
{
	struct rlimit limit;
	int fd;

	if (lm_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 && limit.rlim_cur < LM_JOURNAL_SIZE)
		return -1;
	fd = lm_sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && lm_sys_fallocate(fd, 0, 0, LM_JOURNAL_SIZE) != 0) {
		lm_sys_close(fd);
		lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
		return -1;
	}
	return fd;
}

static int open_journal(int trace_fd)
{
	struct lm_journal_header *header;
	struct stat trace;
	const char *path;
	int fd;

	/* The trace's size has to tell how much of the ring it has. */
	if (fstat(trace_fd, &trace) != 0 || !lm_direct_is_alone(trace_fd))
		return -1;
	path = journal_path(trace_fd);
	fd = path ? make_file(path) : -1;
	if (fd < 0)
		return -1;
	header = map_journal(fd);
	lm_sys_close(fd);
	if (!header) {
		lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
		return -1;
	}
	header->pid = (uint64_t)lm_sys(SYS_getpid);
	header->device = trace.st_dev;
	header->inode = trace.st_ino;
	header->base = (uint64_t)trace.st_size;
	__atomic_store_n(&header->magic, LM_JOURNAL_MAGIC, __ATOMIC_RELEASE);
	ring.path = path;
	ring.header = header;
	ring.unfilled = UINT64_MAX;
	lm_ring.limit = RECORD_ROOM;
	__atomic_store_n(&lm_ring.bytes, (unsigned char *)header + LM_JOURNAL_HEADER, __ATOMIC_RELEASE);
	return 0;
}

int lm_ring_take_over(int fd)
{
	int saved = errno, error = 0;
	struct stat trace;

	if (fstat(fd, &trace) == 0 && S_ISREG(trace.st_mode)) {
		const char *path = journal_path(fd);

		if (path)
			error = take_over(path, &trace);
	}
	errno = saved;
	return error;
}

void lm_ring_abandon(int error)
{
	if (!lm_ring_is_open())
		return;
	stop(error);
	/* What the trace does not have is there for its readers. */
	if ((load(&lm_hot.head) & ~LM_JOURNAL_SEALED) == load(&ring.header->tail))
		lm_sys(SYS_unlinkat, AT_FDCWD, ring.path, 0);
}

int lm_ring_is_late(void)
{
	lm_ring_flush_whole();
	return __atomic_load_n(&ring.error, __ATOMIC_ACQUIRE) != 0;
}

int lm_ring_stopped(void)
{
	return lm_ring_is_open() ? __atomic_load_n(&ring.stopped, __ATOMIC_ACQUIRE) : 0;
}

int lm_ring_open(int fd)
{
	int saved = errno, result = open_journal(fd);

	errno = saved;
	return result;
}

void lm_ring_leave(void)
{
	int saved = errno;

	/* Nobody is there to be waited for. */
	ring.error = -EBADF;
	ring.drained = 1;
	if (ring.header)
		(void)mmap(ring.header, MAPPED, PROT_READ | PROT_WRITE,
		           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	errno = saved;
}

void lm_ring_forked(void)
{
	if (ring.header)
		lm_sys_unmap(ring.header, MAPPED);
	__builtin_memset(&ring, 0, sizeof ring);
	lm_ring.bytes = NULL;
	lm_ring.limit = 0;
	lm_hot.head = 0;
}
