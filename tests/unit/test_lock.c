/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracker's lock, and the signals that it keeps away. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "lock.h"
#include "signals.h"
#include "support.h"
#include "sys.h"

/* ---- the lock ---- */

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

int main(void)
{
	Suite *suite = suite_create("lock");

	ONCE(a_lock_has_one_owner_at_a_time);
	ONCE(a_lock_outlives_an_owner_that_was_killed_in_a_child_of_vfork);
	ONCE(a_lock_outlives_a_child_that_was_killed_while_it_had_precedence);
	ONCE(precedence_lets_each_other_thread_in_front_once_at_most);
	ONCE(faults_are_not_blocked_with_the_other_signals);
	ONCE(a_signal_of_a_write_of_ours_never_arrives);
	return run_suite(suite);
}
