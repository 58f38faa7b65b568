/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See relay.h. The relay begins as a copy of the program in the middle of
 * anything. So it calls nothing of libc that could take a lock, and all signals
 * stay blocked in it.
 */
#include "relay.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "atomic.h"
#include "clock.h"
#include "journal_file.h"
#include "place.h"
#include "process.h"
#include "signals.h"
#include "sys.h"
#include "text.h"
#include "wait.h"

/* The kernel's interface, as <linux/futex.h> has it; not every libc comes with that header. */
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };
#define FUTEX_OWNER_DIED UINT32_C(0x40000000)

/* The same number on all machines; headers from before 2020 lack it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* A program with more memory than this gets no relay: a fork would copy its page tables, and later pages. */
#define MEMORY_MAX ((uint64_t)256 << 20)
/* How long the program waits until its relay has begun, or the one before has ended. */
#define BEGIN_MS 1000
/* How long an image waits for the relay of the one before. Its reader may be slow. */
#define AWAIT_MS 5000
/* A write of so many bytes to a pipe is not mixed with those of others. */
#define CHUNK ((uint64_t)PIPE_BUF)

/* Behind the header, which is much shorter. */
#define SHARED_AT 4096

struct shared {
	/* The relay's thread id, 0 before it has begun. When it ends, however that is, the kernel sets OWNER_DIED. */
	uint32_t owner;
	uint32_t awake;      /* 0: the relay sleeps, or is about to */
	uint32_t is_writing; /* as in lm_relay_is_writing() */
	uint32_t dismissed;
	uint32_t paused; /* held by whoever moves the tail, or must not see it move */
	int error;
};

_Static_assert(SHARED_AT + sizeof(struct shared) <= LM_JOURNAL_HEADER, "what is shared fits behind the header");

/* The kernel's list of words that it marks when a thread ends: its head, and the one entry. */
struct robust {
	struct robust *next;
};

struct robust_head {
	struct robust list;
	long word_offset; /* from an entry to its word */
	struct robust *pending;
};

static struct shared *shared_of(const struct lm_journal_header *header)
{
	return (struct shared *)(void *)((char *)header + SHARED_AT);
}

static unsigned char *ring_of(struct lm_journal_header *header)
{
	return (unsigned char *)header + LM_JOURNAL_HEADER;
}

/* ---- both ---- */

int lm_relay_lives(const struct lm_journal_header *header)
{
	uint32_t owner = lm_load_acquire(&shared_of(header)->owner);

	return owner && !(owner & FUTEX_OWNER_DIED);
}

/* IS_THERE: does the other process live? If it was killed in between, nobody resumes. */
static void take_pause(struct lm_journal_header *header, int (*is_there)(const struct lm_journal_header *))
{
	struct shared *shared = shared_of(header);

	for (unsigned round = 0; lm_exchange(&shared->paused, 1); round++) {
		lm_wait_pause(round);
		if (round > LM_WAIT_YIELDS && !is_there(header))
			return;
	}
}

void lm_relay_resume(struct lm_journal_header *header)
{
	lm_store_release(&shared_of(header)->paused, 0);
}

/* ---- the relay ---- */

static struct {
	int fd;     /* the trace */
	int name;   /* a socket whose name says that a relay of this process writes to this trace */
	int memory; /* /proc/PID/mem of the program: there is nothing to read when that memory is gone */
	struct robust_head robust;
	struct robust entry;
} relay;

static int is_program_there(const struct lm_journal_header *header)
{
	char byte;

	return lm_sys_pread(relay.memory, &byte, 1, (uintptr_t)header) != 0;
}

/* Only the descriptors that the relay needs stay open: the program's pipes end when the program closes them. */
static int close_others(void)
{
	const int kept[] = {relay.fd, relay.name, relay.memory};
	unsigned from = 0;

	for (;;) {
		unsigned next = UINT_MAX;

		for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
			if ((unsigned)kept[i] >= from && (unsigned)kept[i] < next)
				next = (unsigned)kept[i];
		}
		if (next > from && lm_sys(SYS_close_range, from, next == UINT_MAX ? next : next - 1, 0) != 0)
			return -1;
		if (next == UINT_MAX)
			return 0;
		from = next + 1;
	}
}

/* Lets the kernel tell the program of our end, whatever that is. */
static int announce(struct shared *shared)
{
	relay.robust.list.next = &relay.entry;
	relay.entry.next = &relay.robust.list;
	relay.robust.word_offset = (char *)&shared->owner - (char *)&relay.entry;
	if (lm_sys(SYS_set_robust_list, &relay.robust, sizeof relay.robust) != 0)
		return -1;
	lm_store_release(&shared->owner, (uint32_t)lm_sys(SYS_gettid));
	return 0;
}

/*
 * The end of whole records from TAIL on, as many as one write may have; at least
 * one if there is one. Behind a place that is not whole, nothing is written.
 */
static uint64_t chunk_end(const unsigned char *ring, uint64_t tail, uint64_t limit, int is_packed)
{
	uint64_t end = tail;

	while (end < limit && !lm_journal_begins_gap(ring, end, is_packed)) {
		uint64_t next = lm_journal_whole_end(ring, end, limit, is_packed);

		if (end > tail && next - tail > CHUNK)
			break;
		end = next;
	}
	return end;
}

/* A pipe that does not block is waited for, as a write to a blocking one would. */
static int write_all(const unsigned char *bytes, size_t size)
{
	while (size) {
		struct pollfd poll = {.fd = relay.fd, .events = POLLOUT};
		long n = lm_sys(SYS_write, relay.fd, bytes, size);

		if (n == -EAGAIN)
			lm_sys(SYS_ppoll, &poll, 1, NULL, NULL, LM_SIGNALS_SIZE);
		else if (n < 0 && n != -EINTR)
			return (int)n;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static void free_room(struct lm_journal_header *header, uint64_t end)
{
	uint64_t tail;

	take_pause(header, is_program_there);
	tail = lm_journal_file_tail(header);
	__builtin_memset(ring_of(header) + tail % LM_JOURNAL_RING, 0, (size_t)(end - tail));
	lm_journal_file_put(&header->tail, end);
	lm_relay_resume(header);
}

/* Writes what is whole. 0, or -errno. */
static int write_whole(struct lm_journal_header *header)
{
	struct shared *shared = shared_of(header);

	for (;;) {
		uint64_t tail = lm_journal_file_tail(header),
			 end = chunk_end(ring_of(header), tail, tail + LM_JOURNAL_RING, header->packed != 0);
		int error;

		if (end == tail)
			return 0;
		lm_store_release(&shared->is_writing, 1);
		error = write_all(ring_of(header) + tail % LM_JOURNAL_RING, (size_t)(end - tail));
		lm_store_release(&shared->is_writing, 0);
		if (error)
			return error;
		free_room(header, end);
	}
}

/* The program is gone. Records that its threads did not finish become lines that say nothing. */
static int write_what_is_left(struct lm_journal_header *header)
{
	uint64_t tail = lm_journal_file_tail(header), gaps = 0,
		 end = lm_journal_end(ring_of(header), tail, tail + LM_JOURNAL_RING, header->packed != 0);

	lm_place_void_gaps(ring_of(header), tail, end, header->packed != 0, &gaps);
	return write_whole(header);
}

static void sleep_for(struct shared *shared, long ms)
{
	const struct lm_sys_time time = {0, ms * 1000000};

	lm_sys(SYS_futex, &shared->awake, FUTEX_WAIT, 0, &time, NULL, 0);
	lm_store(&shared->awake, 1);
}

static int serve(struct lm_journal_header *header)
{
	struct shared *shared = shared_of(header);

	for (;;) {
		/* Before the write: what was recorded before the end is written. */
		int is_there = is_program_there(header), dismissed = (int)lm_load_acquire(&shared->dismissed), error;

		lm_exchange(&shared->awake, 0);
		error = is_there ? write_whole(header) : write_what_is_left(header);
		if (error || !is_there || dismissed)
			return error;
		sleep_for(shared, LM_RELAY_MS);
	}
}

static _Noreturn void end_process(void)
{
	for (;;)
		lm_sys(SYS_exit_group, 0);
}

static _Noreturn void be_relay(struct lm_journal_header *header)
{
	struct shared *shared = shared_of(header);
	struct lm_signal_set all;

	__builtin_memset(&all, 0xff, sizeof all);
	lm_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, LM_SIGNALS_SIZE);
	lm_sys(SYS_setsid);
	lm_sys(SYS_prctl, PR_SET_NAME, "log-malloc2", 0, 0, 0);
	lm_sys(SYS_chdir, "/");
	if (close_others() != 0 || announce(shared) != 0) {
		lm_store_release(&shared->owner, FUTEX_OWNER_DIED);
		end_process();
	}
	lm_store_release(&shared->error, serve(header));
	end_process();
}

/* ---- its name ---- */

/*
 * ADDRESS, which is all 0 but for its family, gets a name that is no path: it is gone with the last descriptor of its
 * socket. Returns the length of the address.
 */
static size_t put_name(struct sockaddr_un *address, const struct stat *trace)
{
	struct lm_text text = {address->sun_path + 1, address->sun_path + sizeof address->sun_path};

	lm_text_string(&text, "log-malloc2 ");
	lm_text_unsigned(&text, (uint64_t)lm_sys(SYS_getpid));
	lm_text_char(&text, ' ');
	lm_text_unsigned(&text, trace->st_dev);
	lm_text_char(&text, ' ');
	lm_text_unsigned(&text, trace->st_ino);
	return (size_t)(text.at - (char *)address);
}

/* Takes the name for FD's relay. Waits for WAIT_MS at most while another relay has it. A socket, or -1. */
static int take_name(int fd, uint64_t wait_ms)
{
	uint64_t start = lm_clock_ms();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int saved = errno, name;
	struct stat trace;
	size_t length;
	long taken;

	if (fstat(fd, &trace) != 0) {
		errno = saved;
		return -1;
	}
	length = put_name(&address, &trace);
	name = (int)lm_sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (unsigned round = 0; name >= 0; round++) {
		taken = lm_sys(SYS_bind, name, &address, length);
		if (taken == 0)
			return name;
		if (taken != -EADDRINUSE || lm_clock_ms() - start > wait_ms)
			break;
		lm_wait_pause(round);
	}
	if (name >= 0)
		lm_sys_close(name);
	return -1;
}

void lm_relay_await(int fd)
{
	int name = take_name(fd, AWAIT_MS);

	if (name >= 0)
		lm_sys_close(name);
}

/* ---- the program ---- */

/* A copy of the calling process with one thread. Its end sends no signal, and wait() does not find it. */
static long fork_quietly(void)
{
	return lm_sys(SYS_clone, 0, 0, 0, 0, 0);
}

/* Orphans become children of the first process, or of one that asked for them. Such a program would find the relay. */
static int adopts_orphans(void)
{
	int asked = 0;

	return lm_sys(SYS_getpid) == 1 || lm_sys(SYS_prctl, PR_GET_CHILD_SUBREAPER, &asked, 0, 0, 0) != 0 || asked;
}

static int is_small(void)
{
	char text[64] = "";
	int fd = lm_sys_open("/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
	long n = fd >= 0 ? lm_sys_pread(fd, text, sizeof text - 1, 0) : -1;
	uint64_t pages = 0;
	const char *at = text;

	if (fd >= 0)
		lm_sys_close(fd);
	/* The second number is what lies in memory. */
	while (*at && *at != ' ')
		at++;
	for (at += *at == ' '; *at >= '0' && *at <= '9'; at++)
		pages = pages * 10 + (uint64_t)(*at - '0');
	return n > 0 && pages * getauxval(AT_PAGESZ) <= MEMORY_MAX;
}

static int is_possible(void)
{
	return lm_process_is_owner() && !adopts_orphans() && is_small() &&
	       lm_sys(SYS_close_range, UINT_MAX, UINT_MAX, 0) == 0;
}

/* Forks twice: the child in between ends at once, and the relay has no parent. */
static void fork_relay(struct lm_journal_header *header)
{
	siginfo_t ended;
	long child = fork_quietly(), grandchild;

	if (child == 0) {
		grandchild = fork_quietly();
		if (grandchild == 0)
			be_relay(header);
		if (grandchild < 0)
			lm_store_release(&shared_of(header)->owner, FUTEX_OWNER_DIED);
		end_process();
	}
	if (child < 0)
		lm_store_release(&shared_of(header)->owner, FUTEX_OWNER_DIED);
	else
		lm_sys(SYS_waitid, P_PID, child, &ended, WEXITED | __WALL, NULL);
}

static int wait_until_begun(struct lm_journal_header *header)
{
	uint64_t start = lm_clock_ms();

	for (unsigned round = 0; !lm_load_acquire(&shared_of(header)->owner); round++) {
		if (lm_clock_ms() - start > BEGIN_MS)
			break;
		lm_wait_pause(round);
	}
	return lm_relay_lives(header) ? 0 : -1;
}

/* With its descriptors, which only the relay keeps. */
static int start_with(struct lm_journal_header *header)
{
	int result;

	if (relay.name < 0 || relay.memory < 0)
		return -1;
	fork_relay(header);
	result = wait_until_begun(header);
	if (result)
		lm_store_release(&shared_of(header)->dismissed, 1);
	return result;
}

int lm_relay_start(struct lm_journal_header *header, int fd)
{
	int result;

	if (!is_possible())
		return -1;
	relay.fd = fd;
	relay.name = take_name(fd, BEGIN_MS);
	relay.memory = lm_sys_open("/proc/self/mem", O_RDONLY | O_CLOEXEC, 0);
	result = start_with(header);
	if (relay.memory >= 0)
		lm_sys_close(relay.memory);
	if (relay.name >= 0)
		lm_sys_close(relay.name);
	return result;
}

int lm_relay_error(const struct lm_journal_header *header)
{
	return lm_load_acquire(&shared_of(header)->error);
}

int lm_relay_is_writing(const struct lm_journal_header *header)
{
	return lm_load_acquire(&shared_of(header)->is_writing) && lm_relay_lives(header);
}

void lm_relay_wake(struct lm_journal_header *header)
{
	struct shared *shared = shared_of(header);

	if (!lm_exchange(&shared->awake, 1))
		lm_sys(SYS_futex, &shared->awake, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void lm_relay_dismiss(struct lm_journal_header *header)
{
	lm_store_release(&shared_of(header)->dismissed, 1);
	lm_relay_wake(header);
}

void lm_relay_pause(struct lm_journal_header *header)
{
	take_pause(header, lm_relay_lives);
}
