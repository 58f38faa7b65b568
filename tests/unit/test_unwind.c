/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The unwinder remembers a thread's last backtrace. Whatever the thread did in
 * between, it has to find what it would find without.
 */
#include <alloca.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "caller.h"
#include "support.h"
#include "thread.h"
#include "unwind.h"
#include "unwind_memory.h"

#define DEPTH 64

static __thread uint64_t random_state;
static __thread unsigned long compared, deepest;
static __thread int differed;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* What is found is kept: the next backtrace may lie in the same place. */
static unsigned unwound(const struct lm_caller *caller, uintptr_t *pcs, unsigned max)
{
	uintptr_t room[DEPTH];
	struct lm_unwound found = {.count = 0};

	lm_unwind(&lm_thread_self()->unwind, caller, room, max, &found);
	if (found.sum != lm_unwound_sum(found.pcs, found.count))
		differed = 1;
	memcpy(pcs, found.pcs, found.count * sizeof *pcs);
	return found.count;
}

/* As an entry point does it: the remembered way first, then with nothing remembered. */
__attribute__((noinline)) static void look(unsigned max)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	uintptr_t remembered[DEPTH], fresh[DEPTH], plain[DEPTH];
	struct lm_unwound found = {.count = 0};
	unsigned count = unwound(&caller, remembered, max), again;

	lm_unwind_flush();
	again = unwound(&caller, fresh, max);
	if (count != again || memcmp(remembered, fresh, count * sizeof *fresh) != 0)
		differed = 1;
	/* And a second time from what that left, which must not lose anything either. */
	again = unwound(&caller, remembered, max);
	if (count != again || memcmp(remembered, fresh, count * sizeof *fresh) != 0)
		differed = 1;
	/* And as in a thread that can remember nothing. */
	lm_unwind(NULL, &caller, plain, max, &found);
	if (found.count != count || memcmp(plain, fresh, count * sizeof *fresh) != 0)
		differed = 1;
	compared++;
	if (count > deepest)
		deepest = count;
}

/* Remembers, and does not compare: so that the next comparison starts from something old. */
__attribute__((noinline)) static void pass(unsigned max)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	uintptr_t pcs[DEPTH];

	unwound(&caller, pcs, max);
}

static void wander(unsigned level);

/* Frames of several kinds: with a frame pointer, without, of a size known only when it runs. */
#define STAY() __asm__ volatile("" ::: "memory")

#ifdef __clang__
#define OPTIMIZE(how)
#else
#define OPTIMIZE(how) __attribute__((optimize(how)))
#endif

__attribute__((noinline)) OPTIMIZE("omit-frame-pointer") static void plain(unsigned level)
{
	wander(level);
	STAY();
}

__attribute__((noinline)) OPTIMIZE("no-omit-frame-pointer") static void with_pointer(unsigned level)
{
	wander(level);
	STAY();
}

__attribute__((noinline)) static void with_room(unsigned level)
{
	volatile char *room = alloca(16 + next_random() % 200);

	room[0] = 1;
	wander(level);
	STAY();
	room[1] = room[0];
}

__attribute__((noinline)) static void busy(unsigned level)
{
	/* Much in registers, so that the frame pointer's is used for something else. */
	uint64_t a = next_random(), b = a * 3, c = b ^ a, d = c + b, e = d * a, f = e ^ d;

	wander(level);
	__asm__ volatile("" ::"r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
	STAY();
}

__attribute__((noinline)) static void wander(unsigned level)
{
	unsigned max = next_random() % 4 ? DEPTH : 1 + (unsigned)(next_random() % 20);

	if (next_random() % 3 == 0)
		pass(max);
	if (next_random() % 2)
		look(max);
	for (uint64_t children = level ? 1 + next_random() % 2 : 0; children > 0; children--) {
		switch (next_random() % 4) {
		case 0:
			plain(level - 1);
			break;
		case 1:
			with_pointer(level - 1);
			break;
		case 2:
			with_room(level - 1);
			break;
		default:
			busy(level - 1);
			break;
		}
	}
	STAY();
}

static void *walk(void *seed)
{
	random_state = (uintptr_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	while (compared < 2000 && !differed)
		wander(14);
	return (void *)(uintptr_t)differed;
}

/* Does this unwinder look for backtraces at all? UNWIND=none does not, and is the one that needs no memory. */
static int finds_any(const char *test)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	unsigned expected = sizeof(struct lm_unwind_memory) > 1;
	uintptr_t pcs[1];

	ck_assert_uint_eq(unwound(&caller, pcs, 1), expected);
	if (!expected)
		skip(test, "this unwinder finds no backtraces");
	return (int)expected;
}

START_TEST(a_remembered_backtrace_is_the_one_that_would_be_found_without)
{
	if (!finds_any("a_remembered_backtrace_is_the_one_that_would_be_found_without"))
		return;
	ck_assert_ptr_null(walk((void *)7));
	/* Deeper than is asked for in part of the calls, so that cut ones were remembered, too. */
	ck_assert_uint_gt(deepest, 20);
}
END_TEST

START_TEST(threads_remember_each_their_own)
{
	pthread_t threads[4];
	void *wrong;

	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, walk, (void *)(i + 20)), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

START_TEST(no_more_than_asked_for_is_written)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	uintptr_t pcs[4] = {1, 2, 3, 4};

	ck_assert_uint_eq(unwound(&caller, pcs, 0), 0);
	ck_assert_uint_eq(pcs[0], 1);
	if (!finds_any("no_more_than_asked_for_is_written"))
		return;
	ck_assert_uint_eq(unwound(&caller, pcs, 2), 2);
	ck_assert_uint_eq(pcs[0], caller.pc);
	ck_assert_uint_eq(pcs[2], 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unwind");
	TCase *tcase = tcase_create("unwind");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_remembered_backtrace_is_the_one_that_would_be_found_without);
	tcase_add_test(tcase, threads_remember_each_their_own);
	tcase_add_test(tcase, no_more_than_asked_for_is_written);
	suite_add_tcase(suite, tcase);
	lm_unwind_start();
	return run_suite(suite);
}
