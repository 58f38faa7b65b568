/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of live blocks, which a new file of a sampled trace begins with. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"
#include "state.h"
#include "support.h"

/* Addresses as an allocator might hand them out; nothing is there. */
#define AT(address) ((void *)(uintptr_t)(address))

enum { OURS = 3000, THEIRS = 5000, KILLS = 100, LIFE_MAX_US = 3000 };

static size_t size_of(uintptr_t i)
{
	return 100 + i;
}

static void *ours(uintptr_t i)
{
	return AT(0x500000000000 + i * 48);
}

static void *theirs(uintptr_t i)
{
	return AT(0x600000000000 + i * 48);
}

static void put(void *p, size_t size)
{
	const struct lm_event event = {.call = LM_CALL_MALLOC, .p = p, .size = size, .usable = size + 8};
	struct lm_signals signals;

	lm_live_lock(&signals);
	lm_live_put(&event, NULL, NULL);
	lm_live_unlock(&signals);
}

static int release(void *p)
{
	struct lm_event event = {.call = LM_CALL_FREE, .old = p};
	struct lm_signals signals;
	int is_known;

	lm_live_lock(&signals);
	is_known = lm_live_takes(&event);
	lm_live_unlock(&signals);
	return is_known;
}

static void begin(void)
{
	lm_live_forget();
	lm_state_want(1);
	for (uintptr_t i = 0; i < OURS; i++)
		put(ours(i), size_of(i));
}

/* Each of our blocks is there once, with all that is known of it, and the sums are those of what is there. */
static void is_whole(void)
{
	static unsigned char seen[OURS];
	const struct lm_live_block *block;
	struct lm_totals sums = {0};
	struct lm_signals signals;
	size_t position = 0, count = 0;

	lm_live_lock(&signals);
	memset(seen, 0, sizeof seen);
	while ((block = lm_live_next(&position))) {
		uintptr_t i = ((uintptr_t)block->p - (uintptr_t)ours(0)) / 48;

		count++;
		sums.requested += (int64_t)block->size;
		sums.usable += (int64_t)block->usable;
		ck_assert_uint_eq(block->usable, block->size + 8);
		if (i >= OURS)
			continue;
		ck_assert_uint_eq(block->size, size_of(i));
		ck_assert_int_eq(seen[i]++, 0);
	}
	for (int i = 0; i < OURS; i++)
		ck_assert_int_eq(seen[i], 1);
	ck_assert_uint_eq(lm_live_count(), count);
	ck_assert_int_eq(lm_live_totals().requested, sums.requested);
	ck_assert_int_eq(lm_live_totals().usable, sums.usable);
	ck_assert_int_eq(lm_live_is_incomplete(), 0);
	lm_live_unlock(&signals);
}

START_TEST(what_is_put_is_there_until_it_is_released)
{
	begin();
	is_whole();
	for (uintptr_t i = 0; i < OURS; i++)
		put(ours(i), size_of(i));
	is_whole();
	for (uintptr_t i = 0; i < OURS; i++)
		ck_assert_int_eq(release(ours(i)), 1);
	for (uintptr_t i = 0; i < OURS; i++)
		ck_assert_int_eq(release(ours(i)), 0);
	ck_assert_uint_eq(lm_live_count(), 0);
	ck_assert_int_eq(lm_live_totals().requested, 0);
}
END_TEST

/* In the memory of its parent, until it is killed: the table grows, and gaps are closed all over it. */
static int change(void *unused)
{
	(void)unused;
	for (uintptr_t round = 0;; round++) {
		for (uintptr_t i = 0; i < THEIRS; i++)
			put(theirs(i), i);
		for (uintptr_t i = 0; i < THEIRS; i++)
			release(theirs(i * 7 % THEIRS));
	}
	return 0;
}

START_TEST(a_child_of_vfork_that_is_killed_leaves_the_table_whole)
{
	static _Alignas(16) char stack[64 << 10];
	unsigned random = 1;

	begin();
	for (int i = 0; i < KILLS; i++) {
		/* Not as vfork() itself does: it would wait for the child. */
		pid_t child = clone(change, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);

		ck_assert_int_gt(child, 0);
		random = random * 1664525 + 1013904223;
		usleep((random >> 8) % LIFE_MAX_US);
		ck_assert_int_eq(kill(child, SIGKILL), 0);
		ck_assert_int_eq(waitpid(child, NULL, 0), child);
		is_whole();
	}
	for (uintptr_t i = 0; i < OURS; i++)
		ck_assert_int_eq(release(ours(i)), 1);
	for (uintptr_t i = 0; i < THEIRS; i++)
		release(theirs(i));
	ck_assert_uint_eq(lm_live_count(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live");

	ONCE(what_is_put_is_there_until_it_is_released);
	ONCE(a_child_of_vfork_that_is_killed_leaves_the_table_whole);
	return run_suite(suite);
}
