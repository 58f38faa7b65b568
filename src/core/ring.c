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
#include "sys.h"
#include "text.h"
#include "trace_format.h"

#define likely(x) __builtin_expect(!!(x), 1)

/* No progress for so long: a thread will not finish its record any more. */
#define STALL_MS 2000
/* The same at the end, when a handler may have called exit() on top of it. */
#define SEAL_MS 500
/* Of address space: the journal, and its ring once more. */
#define MAPPED (LM_JOURNAL_SIZE + LM_JOURNAL_RING)
/* What a handler on top of a half-written record leaves free for others. */
#define NESTED_ROOM (LM_JOURNAL_RING / 4)

struct lm_ring lm_ring;

static struct {
	struct lm_journal_header *header;
	const char *path;
	int flushing;
	int drained; /* sealed, and everything is written */
	int error;   /* of the write that failed */
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

static int fail(int error)
{
	__atomic_store_n(&ring.error, error, __ATOMIC_RELEASE);
	return error;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- writing out ---- */

/*
 * All signals are blocked meanwhile: with a handler that leaves by longjmp, or
 * a thread that is cancelled, whatever it is at, nobody could flush ever again.
 * Returns 0 if somebody else is at it.
 */
static int begin_flush(struct lm_sys_signals *signals)
{
	if (__atomic_load_n(&ring.flushing, __ATOMIC_RELAXED))
		return 0;
	lm_sys_block_signals(signals);
	if (__atomic_exchange_n(&ring.flushing, 1, __ATOMIC_ACQUIRE) == 0)
		return 1;
	lm_sys_unblock_signals(signals);
	return 0;
}

static void end_flush(const struct lm_sys_signals *signals)
{
	__atomic_store_n(&ring.flushing, 0, __ATOMIC_RELEASE);
	lm_sys_unblock_signals(signals);
}

static int write_stretch(const unsigned char *bytes, uint64_t from, uint64_t to)
{
	struct iovec part = {(void *)(bytes + from % LM_JOURNAL_RING), (size_t)(to - from)};

	return part.iov_len ? lm_direct_write(&part, 1) : 0;
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

		if (pending && pending - 1 < head)
			head = pending - 1;
	}
	return head;
}

/* The next bytes go to the trace, and their place is free again: 0 first, and only then told to be. */
static int flush_piece(uint64_t tail, uint64_t end)
{
	int error = write_stretch(lm_ring.bytes, tail, end);

	if (error)
		return fail(error);
	__builtin_memset(lm_ring.bytes + tail % LM_JOURNAL_RING, 0, end - tail);
	__atomic_store_n(&ring.header->tail, end, __ATOMIC_RELEASE);
	__atomic_store_n(&lm_ring.limit, end + LM_JOURNAL_RING, __ATOMIC_RELEASE);
	return 0;
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

	while (!error && ring.header->tail < to)
		error = flush_piece(ring.header->tail, piece_end(ring.header->tail, to));
	return error;
}

/* The same, if nobody else is at it. */
static int try_flush(uint64_t head)
{
	struct lm_sys_signals signals;
	int error;

	if (!begin_flush(&signals))
		return 0;
	error = flush(head);
	end_flush(&signals);
	return error;
}

int lm_ring_flush_whole(void)
{
	uint64_t head = __atomic_load_n(&lm_hot.head, __ATOMIC_SEQ_CST);

	return head & LM_JOURNAL_SEALED ? 0 : try_flush(head);
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
		int error = __atomic_load_n(&ring.error, __ATOMIC_ACQUIRE);

		if (!error)
			error = lm_ring_flush_whole();
		if (error)
			return error;
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

/* The ring is sealed: until it is empty, too, so that what follows stands behind. */
static int wait_for_drain(int is_nested)
{
	for (unsigned round = 0; !__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE); round++) {
		if (is_nested || round > 50 + 10 * STALL_MS)
			break;
		pause_briefly(round);
	}
	return -EAGAIN;
}

static int give_up_ring(void)
{
	int error = lm_ring_seal();

	return error ? error : -EAGAIN;
}

static void give_back(struct lm_thread *thread)
{
	thread->pending_length = 0;
	__atomic_store_n(&thread->pending, 0, __ATOMIC_RELEASE);
}

int lm_ring_wait(struct lm_thread *thread, uint64_t position, uint32_t length)
{
	int error;

	if (position & LM_JOURNAL_SEALED) {
		give_back(thread);
		return wait_for_drain(0);
	}
	error = wait_for_room(position + length);
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
	if (length && wait_for_room(position + length) == 0) {
		__atomic_add_fetch(&ring.lost, 1, __ATOMIC_RELAXED);
		fill_with_nothing(lm_ring.bytes + position % LM_JOURNAL_RING, length);
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

/* ---- the end ---- */

/*
 * Writes what is in the ring BYTES from FROM on, with places that were not
 * filled made to say nothing: the trace's size goes on telling what of the
 * stream it has, if this ends in the middle.
 */
static int write_rest(unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = from;

	for (; lm_journal_next(bytes, at, to, &piece); at += piece.length) {
		if (!piece.is_gap)
			continue;
		(*gaps)++;
		if (at + piece.length == to)
			break;
		fill_with_nothing(bytes + at % LM_JOURNAL_RING, (uint32_t)piece.length);
	}
	return write_stretch(bytes, from, at);
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

int lm_ring_seal(void)
{
	uint64_t end = __atomic_fetch_or(&lm_hot.head, LM_JOURNAL_SEALED, __ATOMIC_SEQ_CST);
	uint64_t start = now_ms(), gaps = 0;
	const struct lm_thread *self = lm_thread_self();
	struct lm_sys_signals signals, inner;
	int error;

	if (end & LM_JOURNAL_SEALED) {
		wait_for_drain(self && self->pending);
		return 0;
	}
	for (unsigned round = 0; !is_whole(end) && now_ms() - start < SEAL_MS; round++) {
		try_flush(end);
		pause_briefly(round);
	}
	lm_sys_block_signals(&signals);
	for (unsigned round = 0; !begin_flush(&inner) && now_ms() - start < STALL_MS; round++)
		pause_briefly(round);
	/* Who waited for room in vain has a place behind the ring's end, and writes for itself. */
	if (end > load(&lm_ring.limit))
		end = load(&lm_ring.limit);
	__atomic_store_n(&ring.header->end, LM_JOURNAL_SEALED | end, __ATOMIC_RELEASE);
	error = write_rest(lm_ring.bytes, ring.header->tail, end, &gaps);
	if (!error)
		error = write_lost(gaps + __atomic_exchange_n(&ring.lost, 0, __ATOMIC_RELAXED));
	/* What could not be written stays in the journal. */
	if (!error)
		lm_sys(SYS_unlinkat, AT_FDCWD, ring.path, 0);
	__atomic_store_n(&ring.drained, 1, __ATOMIC_RELEASE);
	lm_sys_unblock_signals(&signals);
	return error ? fail(error) : 0;
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

static void append_left(struct lm_journal_header *left, const struct stat *trace)
{
	uint64_t written = (uint64_t)trace->st_size - left->base, limit = left->tail + LM_JOURNAL_RING;
	uint64_t gaps = 0, head;

	if (left->end && (left->end & ~LM_JOURNAL_SEALED) < limit)
		limit = left->end & ~LM_JOURNAL_SEALED;
	if (written < left->tail || written > limit)
		return;
	head = lm_journal_end(ring_of(left), written, limit);
	write_rest(ring_of(left), written, head, &gaps);
}

/*
 * An earlier image of this process, before it called exec, may have left
 * records; so may another process that appended to the same file and was
 * killed. A trace that was emptied since has no use for them.
 */
static void take_over(const char *path, const struct stat *trace)
{
	int fd = lm_sys_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0);
	struct lm_journal_header *left = NULL;
	struct stat status;

	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == LM_JOURNAL_SIZE)
		left = map_journal(fd);
	lm_sys_close(fd);
	if (!left)
		return;
	if (left->magic == LM_JOURNAL_MAGIC || left->magic == 0) {
		if (left->magic && is_about(left, trace))
			append_left(left, trace);
		lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
	}
	lm_sys_unmap(left, MAPPED);
}

/* A file of the journal's size with its blocks allocated: on a full disk, touching a hole would be a SIGBUS. */
static int make_file(const char *path)
{
	struct rlimit limit;
	int fd;

	if (lm_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 && limit.rlim_cur < LM_JOURNAL_SIZE)
		return -1;
	fd = lm_sys_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && lm_sys(SYS_fallocate, fd, 0, (off_t)0, (off_t)LM_JOURNAL_SIZE) != 0) {
		lm_sys_close(fd);
		lm_sys(SYS_unlinkat, AT_FDCWD, path, 0);
		return -1;
	}
	return fd;
}

/*
 * The trace's size has to tell how much of the ring it has: not if standard
 * output or error go to the same file, or if it is written from its middle.
 */
static int is_ours_alone(int trace_fd, const struct stat *trace)
{
	struct stat other;
	long flags = lm_sys(SYS_fcntl, trace_fd, F_GETFL);

	if (!(flags & O_APPEND) && lm_sys(SYS_lseek, trace_fd, 0L, SEEK_CUR) != trace->st_size)
		return 0;
	for (int fd = 0; fd <= 2; fd++) {
		if (fstat(fd, &other) == 0 && other.st_dev == trace->st_dev && other.st_ino == trace->st_ino)
			return 0;
	}
	return 1;
}

static int open_journal(int trace_fd)
{
	struct lm_journal_header *header;
	struct stat trace;
	const char *path;
	int fd;

	if (fstat(trace_fd, &trace) != 0 || !S_ISREG(trace.st_mode) || !is_ours_alone(trace_fd, &trace))
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
	lm_ring.limit = LM_JOURNAL_RING;
	__atomic_store_n(&lm_ring.bytes, (unsigned char *)header + LM_JOURNAL_HEADER, __ATOMIC_RELEASE);
	return 0;
}

void lm_ring_take_over(int fd)
{
	int saved = errno;
	struct stat trace;

	if (fstat(fd, &trace) == 0 && S_ISREG(trace.st_mode)) {
		const char *path = journal_path(fd);

		if (path)
			take_over(path, &trace);
	}
	errno = saved;
}

void lm_ring_abandon(void)
{
	if (lm_ring_is_open())
		lm_sys(SYS_unlinkat, AT_FDCWD, ring.path, 0);
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
