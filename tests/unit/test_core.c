/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of the tracker by themselves: its memory, calls that end in the middle, its state. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "intercept.h"
#include "plain_seam.h"
#include "sink.h"
#include "sizemap.h"
#include "state.h"
#include "support.h"
#include "sys.h"

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

int main(void)
{
	Suite *suite = suite_create("core");

	ONCE(what_is_mapped_is_zeroed_and_lies_between_guards);
	ONCE(a_file_can_take_the_place_of_a_part);
	ONCE(a_call_that_was_left_by_longjmp_is_over);
	ONCE(a_call_inside_the_real_call_is_no_event);
	ONCE(an_allocation_waits_for_a_realloc_that_never_finishes_and_goes_on);
	ONCE(an_allocation_goes_on_when_the_realloc_has_its_place);
	ONCE(a_child_of_fork_finds_the_phase_forked_and_keeps_the_users_wish);
	ONCE(the_users_wish_outlives_every_phase);
	ONCE(the_limit_outlives_every_phase_but_forked);
	return run_suite(suite);
}
