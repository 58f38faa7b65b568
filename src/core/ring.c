/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See ring.h and journal.h. No locks: one thread at a time writes out, and who
 * finds it busy goes on, unless the ring is full. Whoever waits, waits for
 * another thread's write or for a record that another thread is copying.
 */
#include "ring.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "arena.h"
#include "descriptor.h"
#include "direct.h"
#include "journal.h"
#include "record.h"
#include "sys.h"
#include "text.h"
#include "trace_format.h"

#define likely(x) __builtin_expect(!!(x), 1)

/* No progress for so long: a thread will not finish its record any more. */
#define STALL_MS 2000
/* The same at the end, when a handler may have called exit() on top of it. */
#define SEAL_MS 500
/* What a handler on top of a half-written record leaves free for others. */
#define NESTED_ROOM (4 * LM_JOURNAL_SEGMENT)

static struct {
	struct lm_journal_header *header;
	unsigned char *bytes; /* mapped twice in a row, so that nothing wraps */
	const char *path;
	int drained; /* sealed, and everything is written */
	int error;   /* of the write that failed */
	uint64_t lost;
} ring;

/* This thread has a place in the ring that is not filled yet. */
static __thread volatile unsigned char filling;

int lm_ring_is_open(void)
{
	return __atomic_load_n(&ring.header, __ATOMIC_ACQUIRE) && !__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE);
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

/* ---- writing out ---- */

static int begin_flush(void)
{
	return __atomic_exchange_n(&ring.header->flushing, 1, __ATOMIC_ACQUIRE) == 0;
}

static void end_flush(void)
{
	__atomic_store_n(&ring.header->flushing, 0, __ATOMIC_RELEASE);
}

static int write_stretch(const unsigned char *bytes, uint64_t from, uint64_t to)
{
	struct iovec part = {(void *)(bytes + from % LM_JOURNAL_RING), (size_t)(to - from)};

	return part.iov_len ? lm_direct_write(&part, 1) : 0;
}

static uint64_t *committed(uint64_t position)
{
	return &ring.header->segment[position / LM_JOURNAL_SEGMENT % LM_JOURNAL_SEGMENTS].committed;
}

/* Is the segment at the tail full? Then, once written, it is used again: zeros first. */
static int is_complete(uint64_t tail)
{
	return load(committed(tail)) == LM_JOURNAL_SEGMENT;
}

static int flush_segment(uint64_t tail)
{
	uint64_t end = (tail / LM_JOURNAL_SEGMENT + 1) * LM_JOURNAL_SEGMENT;
	int error = write_stretch(ring.bytes, tail, end);

	if (error)
		return fail(error);
	__builtin_memset(ring.bytes + (end - LM_JOURNAL_SEGMENT) % LM_JOURNAL_RING, 0, LM_JOURNAL_SEGMENT);
	__atomic_store_n(committed(tail), 0, __ATOMIC_RELAXED);
	__atomic_store_n(&ring.header->tail, end, __ATOMIC_RELEASE);
	return 0;
}

/* Writes out the full segments at the tail, if nobody else does. */
static int flush_complete(void)
{
	while (is_complete(load(&ring.header->tail))) {
		int error = 0;

		if (!begin_flush())
			return 0;
		while (!error && is_complete(load(&ring.header->tail)))
			error = flush_segment(load(&ring.header->tail));
		end_flush();
		/* One that was completed just now found us busy, and it is ours to see. */
		if (error)
			return error;
	}
	return 0;
}

int lm_ring_flush(void)
{
	struct lm_journal_piece piece;
	uint64_t tail, head, to;
	int error = 0;

	if (!begin_flush())
		return 0;
	head = load(&ring.header->head);
	tail = to = load(&ring.header->tail);
	while (!(head & LM_JOURNAL_SEALED) && lm_journal_next(ring.bytes, to, head, &piece) && !piece.is_gap)
		to += piece.length;
	/* Not over the segment's end: that is for flush_segment(). */
	if (to / LM_JOURNAL_SEGMENT == tail / LM_JOURNAL_SEGMENT && to > tail) {
		error = write_stretch(ring.bytes, tail, to);
		if (!error)
			__atomic_store_n(&ring.header->tail, to, __ATOMIC_RELEASE);
	}
	end_flush();
	return error ? fail(error) : flush_complete();
}

/* ---- waiting ---- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Short at first: a segment's write takes some tens of microseconds. */
static void pause_briefly(unsigned round)
{
	const struct timespec pause = {0, 100000};

	if (round < 50)
		lm_sys(SYS_sched_yield);
	else
		lm_sys(SYS_nanosleep, &pause, NULL);
}

static uint64_t recycled(void)
{
	return load(&ring.header->tail) / LM_JOURNAL_SEGMENT * LM_JOURNAL_SEGMENT;
}

/* Until bytes up to END have room. 0, or -errno; -EAGAIN after a stall, which ends the ring. */
static int wait_for_room(uint64_t end)
{
	uint64_t since = 0, before = recycled();

	for (unsigned round = 0; end > recycled() + LM_JOURNAL_RING; round++) {
		int error = __atomic_load_n(&ring.error, __ATOMIC_ACQUIRE);

		if (!error)
			error = flush_complete();
		if (error)
			return error;
		pause_briefly(round);
		if (recycled() != before) {
			before = recycled();
			since = 0;
		} else if (!since) {
			since = now_ms();
		} else if (now_ms() - since > STALL_MS && !__atomic_load_n(&ring.header->flushing, __ATOMIC_RELAXED)) {
			return -EAGAIN;
		}
	}
	return 0;
}

/* ---- recording ---- */

/* At any address: records begin where others end. */
struct word {
	uint64_t value;
} __attribute__((packed));

static void store_first(unsigned char *place, const unsigned char first[8])
{
	struct word word;

	/* In one store: a process that is killed has done it or not. */
	__builtin_memcpy(&word, first, 8);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*(volatile struct word *)(void *)place = word;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void fill(uint64_t position, const struct iovec *parts, int count, size_t total)
{
	unsigned char *place = ring.bytes + position % LM_JOURNAL_RING, *at = place + 8;
	unsigned char first[8] = {LM_JOURNAL_PENDING};
	uint32_t length = (uint32_t)total;

	__builtin_memcpy(first + 1, &length, 4);
	store_first(place, first);
	for (int i = 0; i < count; i++) {
		size_t skip = i ? 0 : 8;

		__builtin_memcpy(at, (const char *)parts[i].iov_base + skip, parts[i].iov_len - skip);
		at += parts[i].iov_len - skip;
	}
	__builtin_memcpy(first, parts[0].iov_base, 8);
	store_first(place, first);
}

/* Counts what was filled. Was a segment completed with it? */
static int commit(uint64_t position, size_t total)
{
	uint64_t end = position + total;
	int completed = 0;

	while (position < end) {
		uint64_t next = (position / LM_JOURNAL_SEGMENT + 1) * LM_JOURNAL_SEGMENT;
		uint64_t length = (next < end ? next : end) - position;

		completed |= __atomic_add_fetch(committed(position), length, __ATOMIC_ACQ_REL) == LM_JOURNAL_SEGMENT;
		position += length;
	}
	return completed;
}

/* A handler on top of a record that its own thread is filling must not wait for room. */
static int nested_has_room(uint64_t head, size_t total)
{
	return head + total + NESTED_ROOM <= recycled() + LM_JOURNAL_RING;
}

/* The ring is sealed: until it is empty, too, so that what follows stands behind. */
static int wait_for_drain(void)
{
	for (unsigned round = 0; !__atomic_load_n(&ring.drained, __ATOMIC_ACQUIRE); round++) {
		if (filling || round > 50 + 10 * STALL_MS)
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

int lm_ring_write(const struct iovec *parts, int count)
{
	unsigned char was_filling = filling;
	uint64_t head = load(&ring.header->head), position;
	size_t total = 0;
	int error;

	for (int i = 0; i < count; i++)
		total += parts[i].iov_len;
	if (head & LM_JOURNAL_SEALED)
		return wait_for_drain();
	if (was_filling && !nested_has_room(head, total)) {
		__atomic_add_fetch(&ring.lost, 1, __ATOMIC_RELAXED);
		return 0;
	}
	if (!likely(head + total <= recycled() + LM_JOURNAL_RING)) {
		error = wait_for_room(head + total);
		if (error)
			return error == -EAGAIN ? give_up_ring() : error;
	}
	filling = 1;
	position = __atomic_fetch_add(&ring.header->head, total, __ATOMIC_ACQ_REL);
	if (position & LM_JOURNAL_SEALED) {
		filling = was_filling;
		return wait_for_drain();
	}
	/* Others may have taken what room there was. */
	error = position + total <= recycled() + LM_JOURNAL_RING ? 0 : wait_for_room(position + total);
	if (!error) {
		fill(position, parts, count, total);
		if (commit(position, total))
			error = flush_complete();
	}
	filling = was_filling;
	return error == -EAGAIN ? give_up_ring() : error;
}

/* ---- the end ---- */

static int all_committed(uint64_t end)
{
	uint64_t sum = 0;

	for (int i = 0; i < LM_JOURNAL_SEGMENTS; i++)
		sum += load(&ring.header->segment[i].committed);
	return sum == end - recycled();
}

/* Writes the whole records from FROM on to the trace, in as few pieces as the gaps between them allow. */
static int write_records(const unsigned char *bytes, uint64_t from, uint64_t to, uint64_t *gaps)
{
	struct lm_journal_piece piece;
	uint64_t at = from;
	int error = 0;

	while (!error && lm_journal_next(bytes, at, to, &piece)) {
		if (piece.is_gap) {
			(*gaps)++;
			error = write_stretch(bytes, from, at);
			from = at + piece.length;
		}
		at += piece.length;
	}
	return error ? error : write_stretch(bytes, from, at);
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

int lm_ring_seal(void)
{
	uint64_t end = __atomic_fetch_or(&ring.header->head, LM_JOURNAL_SEALED, __ATOMIC_ACQ_REL);
	uint64_t start = now_ms(), gaps = 0;
	int error;

	if (end & LM_JOURNAL_SEALED) {
		wait_for_drain();
		return 0;
	}
	for (unsigned round = 0; !all_committed(end) && now_ms() - start < SEAL_MS; round++) {
		flush_complete();
		pause_briefly(round);
	}
	for (unsigned round = 0; !begin_flush() && now_ms() - start < STALL_MS; round++)
		pause_briefly(round);
	/* Who waited for room in vain has a place behind the ring's end, and writes for itself. */
	if (end > recycled() + LM_JOURNAL_RING)
		end = recycled() + LM_JOURNAL_RING;
	error = write_records(ring.bytes, load(&ring.header->tail), end, &gaps);
	if (!error)
		error = write_lost(gaps + __atomic_exchange_n(&ring.lost, 0, __ATOMIC_RELAXED));
	/* What could not be written stays in the journal. */
	if (!error)
		lm_sys(SYS_unlinkat, AT_FDCWD, ring.path, 0);
	__atomic_store_n(&ring.drained, 1, __ATOMIC_RELEASE);
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
	char *at = mmap(NULL, LM_JOURNAL_SIZE + LM_JOURNAL_RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	                -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (mmap(at, LM_JOURNAL_SIZE, access, how, fd, 0) != MAP_FAILED &&
	    mmap(at + LM_JOURNAL_SIZE, LM_JOURNAL_RING, access, how, fd, LM_JOURNAL_HEADER) != MAP_FAILED)
		return (struct lm_journal_header *)(void *)at;
	lm_sys_unmap(at, LM_JOURNAL_SIZE + LM_JOURNAL_RING);
	return NULL;
}

static const unsigned char *ring_of(const struct lm_journal_header *header)
{
	return (const unsigned char *)header + LM_JOURNAL_HEADER;
}

/* What is left of a trace that was emptied since is of no use; but before the first flush, it was empty at exec. */
static int is_about(const struct lm_journal_header *left, const struct stat *trace)
{
	return left->device == trace->st_dev && left->inode == trace->st_ino &&
	       (trace->st_size || left->pid == (uint64_t)lm_sys(SYS_getpid));
}

static void append_left(const struct lm_journal_header *left, const struct stat *trace)
{
	uint64_t head = left->head & ~LM_JOURNAL_SEALED, written = (uint64_t)trace->st_size - left->base;
	uint64_t end = left->tail / LM_JOURNAL_SEGMENT * LM_JOURNAL_SEGMENT + LM_JOURNAL_RING;
	uint64_t gaps = 0;

	/* Who waited for room when the process ended has a place behind the ring's end. */
	if (head > end)
		head = end;
	if (written >= left->tail && written <= head)
		write_records(ring_of(left), written, head, &gaps);
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
	lm_sys_unmap(left, LM_JOURNAL_SIZE + LM_JOURNAL_RING);
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
	ring.bytes = (unsigned char *)header + LM_JOURNAL_HEADER;
	__atomic_store_n(&ring.header, header, __ATOMIC_RELEASE);
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
