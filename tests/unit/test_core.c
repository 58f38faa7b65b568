/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of the tracker by themselves: its text, its frames' names, its locks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "identity.h"
#include "intercept.h"
#include "lock.h"
#include "module.h"
#include "plain_seam.h"
#include "signals.h"
#include "sink.h"
#include "sizemap.h"
#include "state.h"
#include "support.h"
#include "symbol.h"
#include "sys.h"
#include "text.h"

/* Addresses as an allocator might hand them out; nothing is there. */
#define AT(address) ((void *)(uintptr_t)(address))

/* ---- memory of our own ---- */

/* Probes MAP and what lies around it. */
static void is_between_guards(const char *map, size_t size)
{
	size_t room = (size + lm_sys_page() - 1) / lm_sys_page() * lm_sys_page();

	ck_assert(map[0] == 0 && memcmp(map, map + 1, size - 1) == 0);
	ck_assert_int_eq(lm_sys_readable((uintptr_t)map - 8), 0);
	ck_assert_int_eq(lm_sys_readable((uintptr_t)map + room), 0);
}

START_TEST(what_is_mapped_is_zeroed_and_lies_between_guards)
{
	static const size_t sizes[] = {1, 4096, 5000, 65536, 3 << 20};
	char *maps[5];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5; i++) {
			maps[i] = lm_sys_map(sizes[i]);
			ck_assert_ptr_nonnull(maps[i]);
		}
		for (int i = 0; i < 5; i++) {
			is_between_guards(maps[i], sizes[i]);
			memset(maps[i], 7, sizes[i]);
		}
		for (int i = 0; i < 5; i++)
			lm_sys_unmap(maps[i], sizes[i]);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(lm_sys_readable((uintptr_t)maps[i]), 0);
	}
	ck_assert_ptr_null(lm_sys_map(SIZE_MAX));
}
END_TEST

START_TEST(a_file_can_take_the_place_of_a_part)
{
	const size_t page = lm_sys_page();
	char path[] = "/tmp/log-malloc2-map-XXXXXX", *map = lm_sys_map_nothing(4 * page);
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)(2 * page)), 0);
	ck_assert_int_eq(lm_sys_readable((uintptr_t)map), 0);
	ck_assert_int_eq(lm_sys_map_file(map, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), 0);
	ck_assert_int_eq(lm_sys_map_file(map + 2 * page, page, PROT_READ, MAP_SHARED, fd, page), 0);
	map[page] = 'x';
	ck_assert_int_eq(map[2 * page], 'x');
	ck_assert_int_eq(lm_sys_readable((uintptr_t)map + 3 * page), 0);
	/* The file is as it was, and the memory is not. */
	ck_assert_int_eq(lm_sys_map_zeros(map, 2 * page), 0);
	ck_assert_int_eq(map[page], 0);
	map[page] = 'y';
	ck_assert_int_eq(map[2 * page], 'x');
	lm_sys_unmap(map, 4 * page);
	close(fd);
	unlink(path);
}
END_TEST

/* ---- text ---- */

static const char *text_of(void (*put)(struct lm_text *))
{
	static char buffer[256];
	struct lm_text text = {buffer, buffer + sizeof buffer - 1};

	put(&text);
	*text.at = '\0';
	return buffer;
}

static void put_numbers(struct lm_text *text)
{
	lm_text_signed(text, INT64_MIN);
	lm_text_char(text, ' ');
	lm_text_unsigned(text, UINT64_MAX);
	lm_text_char(text, ' ');
	lm_text_signed(text, 0);
	lm_text_char(text, ' ');
	lm_text_pointer(text, 0);
	lm_text_char(text, ' ');
	lm_text_pointer(text, 0xdeadbeef);
}

static void put_path(struct lm_text *text)
{
	lm_text_path(text, "/a b(c)[d]\\e\n\x7f\xc3\xa4");
}

START_TEST(numbers_and_paths_read_as_the_format_says)
{
	ck_assert_str_eq(text_of(put_numbers), "-9223372036854775808 18446744073709551615 0 (nil) 0xdeadbeef");
	ck_assert_str_eq(text_of(put_path), "/a\\040b\\050c)\\133d]\\134e\\012\x7f\xc3\xa4");
}
END_TEST

/* A chip's (base/small). */
void lm_text_unsigned_small(struct lm_text *text, uint64_t value);

START_TEST(numbers_of_a_chip_are_the_same)
{
	uint64_t value = 0;

	/* Around each power of ten and of two. */
	for (int i = 0; i < 200; i++) {
		char own[32], other[32];
		struct lm_text text = {own, own + sizeof own}, small = {other, other + sizeof other};

		value = i < 100 ? (value * 10 + (uint64_t)i % 3) : (UINT64_C(1) << i % 64) - (i % 2 ? 1 : 0);
		lm_text_unsigned(&text, value);
		lm_text_unsigned_small(&small, value);
		ck_assert_int_eq(text.at - own, small.at - other);
		ck_assert_int_eq(memcmp(own, other, (size_t)(text.at - own)), 0);
	}
}
END_TEST

static void put_shown(struct lm_text *text)
{
	lm_text_shown(text,
	              "a b(\\\n\x1b\x7f|\xc2\x9b|\x9b|\xc3\xa4|\xe2\x82\xac|\xf0\x9f\x98\x80|\xe2\x82|\xe4|\xe4\x9b|"
	              "\xc0\x9b|\xed\xa0\x80|\xc2");
}

START_TEST(control_characters_of_every_kind_are_not_shown)
{
	ck_assert_str_eq(text_of(put_shown),
	                 "a b(\\\\012\\033\\177|\\302\\233|\\233|\xc3\xa4|\xe2\x82\xac|\xf0\x9f\x98\x80|\xe2\\202|\xe4|"
	                 "\xe4\\233|\xc0\\233|\xed\xa0\\200|\xc2");
}
END_TEST

START_TEST(what_is_shown_is_cut_between_characters)
{
	static const char string[] = "\xe2\x82\xac\xc2\x9b\x9b\xc3\xa4";
	static const size_t lengths[] = {0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 11, 11, 11, 11, 15, 15, 17};

	for (size_t room = 0; room < sizeof lengths / sizeof *lengths; room++) {
		char buffer[32];
		struct lm_text text = {buffer, buffer + room};

		lm_text_shown(&text, string);
		ck_assert_uint_eq((size_t)(text.at - buffer), lengths[room]);
	}
}
END_TEST

START_TEST(text_that_does_not_fit_is_cut)
{
	char buffer[8] = "1234567";
	struct lm_text text = {buffer, buffer + 4};

	lm_text_string(&text, "abcdefgh");
	lm_text_unsigned(&text, 12345);
	ck_assert_str_eq(buffer, "abcd567");
}
END_TEST

START_TEST(only_whole_numbers_in_range_are_numbers)
{
	static const char *const wrong[] = {"", " 1", "1 ", "-1", "+1", "0x10", "129", "18446744073709551616", "1e1"};
	uint64_t value;

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(lm_text_parse(wrong[i], 128, &value) != 0, "'%s' was taken for a number", wrong[i]);
	ck_assert_int_eq(lm_text_parse("128", 128, &value), 0);
	ck_assert_uint_eq(value, 128);
	ck_assert_int_eq(lm_text_parse("18446744073709551615", UINT64_MAX, &value), 0);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(lm_text_parse("0", 0, &value), 0);
}
END_TEST

/* ---- names ---- */

__attribute__((noinline)) static uintptr_t here(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

START_TEST(static_functions_have_names_without_rdynamic)
{
	uintptr_t pc = here();
	const struct lm_frame *frame = lm_symbol_frame(pc);

	ck_assert_ptr_nonnull(frame);
	ck_assert_msg(memmem(frame->text, frame->length, "(static_functions_have_names_without_rdynamic", 45) != NULL,
	              "%.*s", (int)frame->length, frame->text);
	ck_assert_ptr_eq(lm_symbol_frame(pc), frame);
	ck_assert_int_eq(frame->text[frame->length - 1], '\n');
}
END_TEST

START_TEST(an_address_in_no_object_is_just_that)
{
	const struct lm_frame *frame = lm_symbol_frame(0x10);

	ck_assert_ptr_nonnull(frame);
	ck_assert_int_eq(strncmp(frame->text, "[0x10]\n", frame->length), 0);
}
END_TEST

/* ---- leaving a call in the middle ---- */

static jmp_buf out;

static void leave(void)
{
	plain_seam_hook = NULL;
	longjmp(out, 1);
}

/* As an entry point: the stack pointer of who calls this one. */
__attribute__((noinline)) static void *entry_point(size_t size)
{
	const struct lm_caller caller = LM_CALLER_HERE();

	return lm_malloc(size, &caller);
}

static void nest(void)
{
	plain_seam_hook = NULL;
	/* The real allocator calls its own malloc: that is no event. */
	free(entry_point(5));
}

START_TEST(a_call_that_was_left_by_longjmp_is_over)
{
	uint64_t before = lm_account_calls(LM_CALL_MALLOC);
	void *p;

	plain_seam_hook = leave;
	if (setjmp(out) == 0)
		entry_point(10);
	ck_assert_uint_eq(lm_account_calls(LM_CALL_MALLOC), before);
	p = entry_point(20);
	ck_assert_uint_eq(lm_account_calls(LM_CALL_MALLOC), before + 1);
	ck_assert_uint_eq(lm_sizemap_take(p), 20);
	free(p);
}
END_TEST

START_TEST(a_call_inside_the_real_call_is_no_event)
{
	uint64_t before = lm_account_calls(LM_CALL_MALLOC);
	void *p;

	plain_seam_hook = nest;
	p = entry_point(20);
	ck_assert_uint_eq(lm_account_calls(LM_CALL_MALLOC), before + 1);
	ck_assert_uint_eq(lm_sizemap_take(p), 20);
	free(p);
}
END_TEST

/* ---- a realloc that never finishes ---- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Nobody waits where nothing is recorded. The session began without a trace, before this test. */
static void begin_trace(void)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "%s/trace", scratch());
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	fd = lm_sink_open(fd);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(lm_sink_begin(fd), 0);
	lm_state_set(LM_PHASE_DIRECT);
}

/* The allocator's caches are last in, first out: what is released is handed out again. */
static uintptr_t release(void *volatile p)
{
	uintptr_t address = (uintptr_t)p;

	free(p);
	return address;
}

/* How long the allocation of a block waits if its address is marked as moving, by a realloc whose record is missing. */
static uint64_t allocate_at_a_mark(size_t size, uintptr_t *address)
{
	void *p = entry_point(size);
	uint64_t start;

	ck_assert_uint_eq(lm_sizemap_take_moving(p), size);
	*address = release(p);
	start = now_ms();
	ck_assert_uint_eq((uintptr_t)entry_point(size), *address);
	return now_ms() - start;
}

/*
 * Its thread may have died. The block is entered after the time for that, so
 * its size is right from then on; only the order of the two records is not.
 */
START_TEST(an_allocation_waits_for_a_realloc_that_never_finishes_and_goes_on)
{
	uint64_t waited, calls = lm_account_calls(LM_CALL_MALLOC);
	uintptr_t address;

	begin_trace();
	waited = allocate_at_a_mark(1000, &address);
	ck_assert_uint_ge(waited, 1900);
	ck_assert_uint_lt(waited, 10000);
	ck_assert_uint_eq(lm_account_calls(LM_CALL_MALLOC), calls + 2);
	/* The realloc's end, should it come after all, does not take the block away. */
	lm_sizemap_end_moving(AT(address));
	ck_assert_uint_eq(lm_sizemap_take(AT(address)), 1000);
	ck_assert(lm_state_is_writing());
}
END_TEST

static void *end_moving_soon(void *p)
{
	usleep(200000);
	lm_sizemap_end_moving(p);
	return NULL;
}

START_TEST(an_allocation_goes_on_when_the_realloc_has_its_place)
{
	/* The next block of that size lies there. */
	uintptr_t expected = release(malloc(1000)), address;
	pthread_t thread;
	uint64_t waited;

	begin_trace();
	ck_assert_int_eq(pthread_create(&thread, NULL, end_moving_soon, AT(expected)), 0);
	waited = allocate_at_a_mark(1000, &address);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(address, expected);
	ck_assert_uint_lt(waited, 1900);
	ck_assert_uint_eq(lm_sizemap_take(AT(address)), 1000);
}
END_TEST

/* ---- the state ---- */

START_TEST(the_users_wish_outlives_every_phase)
{
	static const enum lm_phase phases[] = {LM_PHASE_HELD, LM_PHASE_DIRECT, LM_PHASE_RING, LM_PHASE_STOPPED,
	                                       LM_PHASE_OFF};

	for (size_t i = 0; i < 2 * sizeof phases / sizeof *phases; i++) {
		enum lm_phase phase = phases[i / 2], before = lm_state_phase();
		int wanted = i % 2 == 0;

		lm_state_want(wanted);
		ck_assert_int_eq(lm_state_set(phase), before);
		ck_assert_int_eq(lm_state_phase(), phase);
		ck_assert_int_eq(lm_state_is_wanted(), wanted);
		ck_assert_int_eq(lm_state_is_traced(lm_state_word()), wanted && phase >= LM_PHASE_DIRECT);
		/* Only from the phase that is named. */
		ck_assert_int_eq(lm_state_change(LM_PHASE_FORKED, LM_PHASE_RING), 0);
		ck_assert_int_eq(lm_state_phase(), phase);
		lm_state_want(!wanted);
		ck_assert_int_eq(lm_state_phase(), phase);
		ck_assert_int_eq(lm_state_is_traced(lm_state_word()), !wanted && phase >= LM_PHASE_DIRECT);
	}
}
END_TEST

/* The limit ends the quick way in whatever phase, and a child has none of it. */
START_TEST(the_limit_outlives_every_phase_but_forked)
{
	static const enum lm_phase phases[] = {LM_PHASE_HELD, LM_PHASE_DIRECT, LM_PHASE_STOPPED, LM_PHASE_RING};

	lm_state_set(LM_PHASE_RING);
	ck_assert(lm_state_is_quick() && !lm_state_is_limited());
	lm_state_limit();
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
		lm_state_want(i % 2 == 0);
		lm_state_set(phases[i]);
		ck_assert(lm_state_is_limited() && !lm_state_is_quick());
		ck_assert_int_eq(lm_state_phase(), phases[i]);
		ck_assert_int_eq(lm_state_is_traced(lm_state_word()), i % 2 == 0 && phases[i] >= LM_PHASE_DIRECT);
	}
	lm_state_forked();
	lm_state_limit();
	ck_assert_int_eq(lm_state_phase(), LM_PHASE_FORKED);
	ck_assert(lm_state_change(LM_PHASE_FORKED, LM_PHASE_RING));
	ck_assert(!lm_state_is_limited() && lm_state_is_quick());
}
END_TEST

/* What a child of fork finds, in a raw clone() as well, and in a child of its own. 0; or which check failed. */
static int forked_child(int wanted, int generations)
{
	pid_t child;
	int status = 0;

	if (lm_state_phase() != LM_PHASE_FORKED || lm_state_is_traced(lm_state_word()))
		return 1;
	/* The wish can change before the child's first event, and the phase stays. */
	lm_state_want(!wanted);
	if (lm_state_phase() != LM_PHASE_FORKED || lm_state_is_wanted() == wanted)
		return 2;
	lm_state_want(wanted);
	if (!lm_state_change(LM_PHASE_FORKED, LM_PHASE_HELD) || !lm_state_change(LM_PHASE_HELD, LM_PHASE_RING))
		return 3;
	if (lm_state_is_traced(lm_state_word()) != wanted)
		return 4;
	if (generations == 0)
		return 0;
	child = fork();
	if (child == 0)
		_exit(forked_child(wanted, generations - 1));
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

START_TEST(a_child_of_fork_finds_the_phase_forked_and_keeps_the_users_wish)
{
	if (lm_state_watch_forks() != 0) {
		skip("a_child_of_fork_finds_the_phase_forked_and_keeps_the_users_wish",
		     "the kernel wipes no page at fork");
		return;
	}
	for (int i = 0; i < 4; i++) {
		int wanted = i % 2, status = 0;
		pid_t child;

		lm_state_want(wanted);
		lm_state_set(LM_PHASE_RING);
		child = i < 2 ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (child == 0)
			_exit(forked_child(wanted, 1));
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		/* The parent is not concerned. */
		ck_assert_int_eq(lm_state_phase(), LM_PHASE_RING);
		ck_assert_int_eq(lm_state_is_traced(lm_state_word()), wanted);
	}
}
END_TEST

/* ---- the lock --------------------------------------------------------------------- */

static struct lm_lock lock;
static uint64_t counted;

static void *count(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20000; i++) {
		lm_lock_take(&lock);
		counted++;
		lm_lock_release(&lock);
	}
	return NULL;
}

START_TEST(a_lock_has_one_owner_at_a_time)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(counted, 4 * 20000);
	ck_assert_uint_eq(lock.word, 0);
	ck_assert(lm_lock_try(&lock));
	ck_assert(!lm_lock_try(&lock));
	lm_lock_release(&lock);
}
END_TEST

/* It has our memory, and takes the lock with it. */
static int take_and_die(void *unused)
{
	(void)unused;
	lm_lock_take(&lock);
	return 0;
}

START_TEST(a_lock_outlives_an_owner_that_was_killed_in_a_child_of_vfork)
{
	static _Alignas(16) char stack[65536];
	int status;
	pid_t child = clone(take_and_die, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

	ck_assert_int_gt(child, 0);
	ck_assert(!lm_lock_try(&lock));
	/* It was not waited for yet, and so still has its number. */
	lm_lock_take(&lock);
	ck_assert_uint_eq(lock.word & INT32_MAX, (uint32_t)gettid());
	lm_lock_release(&lock);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	/* And now its number is nobody's. */
	lock.word = (uint32_t)child;
	lm_lock_take(&lock);
	lm_lock_release(&lock);
	ck_assert(lm_lock_try(&lock));
	lm_lock_release(&lock);
}
END_TEST

/* It has our memory, and dies before its turn comes. */
static int take_first_and_die(void *unused)
{
	(void)unused;
	lm_lock_take_first(&lock);
	return 0;
}

START_TEST(a_lock_outlives_a_child_that_was_killed_while_it_had_precedence)
{
	static _Alignas(16) char stack[65536];
	pid_t child;

	lm_lock_take(&lock);
	child = clone(take_first_and_die, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
	ck_assert_int_gt(child, 0);
	while (!lm_load(&lock.first))
		sched_yield();
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	lm_lock_release(&lock);
	ck_assert(!lm_lock_try(&lock));
	lm_lock_take(&lock);
	ck_assert_uint_eq(lock.word & INT32_MAX, (uint32_t)gettid());
	lm_lock_release(&lock);
}
END_TEST

enum { OTHERS = 8 };

static struct {
	unsigned taken;       /* how often the lock was taken since somebody asked for precedence */
	unsigned before_turn; /* what that was when it was granted */
	int is_over;
} precedence;

static void *take_and_count(void *unused)
{
	(void)unused;
	while (!lm_load_acquire(&precedence.is_over)) {
		lm_lock_take(&lock);
		precedence.taken++;
		lm_lock_release(&lock);
	}
	return NULL;
}

static void *take_first(void *unused)
{
	(void)unused;
	lm_lock_take_first(&lock);
	precedence.before_turn = precedence.taken;
	lm_store_release(&precedence.is_over, 1);
	lm_lock_release(&lock);
	return NULL;
}

/* The owner itself asks again at once, as the others do all the time. */
START_TEST(precedence_lets_each_other_thread_in_front_once_at_most)
{
	pthread_t threads[OTHERS], first;

	for (int round = 0; round < 100; round++) {
		lm_store(&precedence.is_over, 0);
		for (int i = 0; i < OTHERS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_count, NULL), 0);
		lm_lock_take(&lock);
		ck_assert_int_eq(pthread_create(&first, NULL, take_first, NULL), 0);
		while (!lm_load(&lock.first))
			sched_yield();
		precedence.taken = 0;
		lm_lock_release(&lock);
		take_and_count(NULL);
		for (int i = 0; i < OTHERS; i++)
			ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_eq(pthread_join(first, NULL), 0);
		ck_assert_uint_le(precedence.before_turn, OTHERS + 1);
	}
}
END_TEST

/* ---- signals ---- */

START_TEST(faults_are_not_blocked_with_the_other_signals)
{
	static const int faults[] = {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP}, others[] = {SIGHUP, SIGUSR1, SIGPROF};
	struct lm_signals signals;
	sigset_t before, during, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	lm_signals_block(&signals);
	pthread_sigmask(SIG_SETMASK, NULL, &during);
	lm_signals_unblock(&signals, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		ck_assert_int_eq(sigismember(&during, faults[i]), 0);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		ck_assert_int_eq(sigismember(&during, others[i]), 1);
	for (int number = 1; number < SIGRTMAX; number++)
		ck_assert_int_eq(sigismember(&after, number), sigismember(&before, number));
}
END_TEST

START_TEST(a_signal_of_a_write_of_ours_never_arrives)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq((int)lm_signals_write(ends[1], "x", 1), -EPIPE);
	close(ends[1]);
}
END_TEST

/* ---- identity.h ------------------------------------------------------------------ */

START_TEST(the_start_of_a_process_is_found_whatever_its_name_is)
{
	static const char rest[] = " S 3 4 5 0 -1 4194560 9 10 11 12 13 14 15 16 20 0 1 0 2200 23 24";
	static const char *const names[] = {"7 (a)", "7 ()", "7 (a b)", "7 () S 1 2)", "7 (a) R 9 (9\n9)"};
	uint64_t first = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char text[LM_IDENTITY_STAT_MAX];
		size_t length = (size_t)snprintf(text, sizeof text, "%s%s", names[i], rest), size = 0;
		const char *field = lm_identity_field(text, length, 22, &size);
		uint64_t identity = lm_identity_make(text, length, 1, "boot", 4);

		ck_assert_msg(field && size == 4 && strncmp(field, "2200", 4) == 0, "%s", text);
		ck_assert_uint_ne(identity, 0);
		first = i ? first : identity;
		ck_assert_uint_eq(identity, first);
		/* Each part counts. */
		ck_assert_uint_ne(lm_identity_make(text, length, 2, "boot", 4), first);
		ck_assert_uint_ne(lm_identity_make(text, length, 1, "Boot", 4), first);
		text[field - text] = '3';
		ck_assert_uint_ne(lm_identity_make(text, length, 1, "boot", 4), first);
		/* A text that ends before or in it tells nothing. */
		for (size_t cut = 0; cut <= (size_t)(field - text) + size; cut++)
			ck_assert_uint_eq(lm_identity_make(text, cut, 1, "boot", 4), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core");
	TCase *tcase = tcase_create("core");

	tcase_add_test(tcase, what_is_mapped_is_zeroed_and_lies_between_guards);
	tcase_add_test(tcase, a_file_can_take_the_place_of_a_part);
	tcase_add_test(tcase, numbers_and_paths_read_as_the_format_says);
	tcase_add_test(tcase, text_that_does_not_fit_is_cut);
	tcase_add_test(tcase, only_whole_numbers_in_range_are_numbers);
	tcase_add_test(tcase, static_functions_have_names_without_rdynamic);
	tcase_add_test(tcase, an_address_in_no_object_is_just_that);
	tcase_add_test(tcase, a_call_that_was_left_by_longjmp_is_over);
	tcase_add_test(tcase, a_call_inside_the_real_call_is_no_event);
	tcase_add_test(tcase, an_allocation_waits_for_a_realloc_that_never_finishes_and_goes_on);
	tcase_add_test(tcase, an_allocation_goes_on_when_the_realloc_has_its_place);
	tcase_add_test(tcase, a_child_of_fork_finds_the_phase_forked_and_keeps_the_users_wish);
	tcase_add_test(tcase, the_users_wish_outlives_every_phase);
	tcase_add_test(tcase, the_limit_outlives_every_phase_but_forked);
	tcase_add_test(tcase, a_lock_has_one_owner_at_a_time);
	tcase_add_test(tcase, a_lock_outlives_an_owner_that_was_killed_in_a_child_of_vfork);
	tcase_add_test(tcase, a_lock_outlives_a_child_that_was_killed_while_it_had_precedence);
	tcase_add_test(tcase, precedence_lets_each_other_thread_in_front_once_at_most);
	tcase_add_test(tcase, faults_are_not_blocked_with_the_other_signals);
	tcase_add_test(tcase, a_signal_of_a_write_of_ours_never_arrives);
	suite_add_tcase(suite, tcase);
	ONCE(numbers_of_a_chip_are_the_same);
	ONCE(control_characters_of_every_kind_are_not_shown);
	ONCE(what_is_shown_is_cut_between_characters);
	ONCE(the_start_of_a_process_is_found_whatever_its_name_is);
	return run_suite(suite);
}
