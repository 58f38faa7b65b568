/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which threads could have gone on (src/core/base/starved.h). */
#include "starved.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "support.h"

static int number; /* of the thread */
static int has_to_end;

static void *spin(void *unused)
{
	lm_store_release(&number, (int)syscall(SYS_gettid));
	while (!lm_load(&has_to_end))
		;
	return unused;
}

static void *sleep_long(void *unused)
{
	lm_store_release(&number, (int)syscall(SYS_gettid));
	sleep(1000);
	return unused;
}

static pthread_t begin(void *(*function)(void *))
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, function, NULL), 0);
	while (!lm_load_acquire(&number))
		sched_yield();
	return thread;
}

/* The processor's time that the clock CLOCK has counted, in milliseconds. */
static long milliseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(a_thread_that_had_the_processor_is_not_starved)
{
	struct lm_starved state = {.was_seen = 0};
	pthread_t thread = begin(spin);
	clockid_t clock;
	long before;

	ck_assert_int_eq(lm_starved_look(&state, number), 1);
	ck_assert(state.was_seen);
	ck_assert_int_eq(pthread_getcpuclockid(thread, &clock), 0);
	for (before = milliseconds(clock); milliseconds(clock) - before < 200;)
		usleep(1000);
	ck_assert_int_eq(lm_starved_look(&state, number), 0);
	lm_store(&has_to_end, 1);
	pthread_join(thread, NULL);
}
END_TEST

/* It is ready all the time, and this thread, which is more important, does not let it. */
START_TEST(a_thread_that_has_no_processor_is_starved)
{
	struct lm_starved state = {.was_seen = 0};
	const struct sched_param none = {.sched_priority = 0};
	pthread_t thread = begin(spin);
	cpu_set_t one;
	long before;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0 || sched_setaffinity(number, sizeof one, &one) != 0 ||
	    sched_setscheduler(number, SCHED_IDLE, &none) != 0) {
		skip("a_thread_that_has_no_processor_is_starved", "no thread may be made less important");
		return;
	}
	ck_assert_int_eq(lm_starved_look(&state, number), 1);
	for (before = milliseconds(CLOCK_THREAD_CPUTIME_ID); milliseconds(CLOCK_THREAD_CPUTIME_ID) - before < 300;)
		;
	ck_assert_int_eq(lm_starved_look(&state, number), 1);
	lm_store(&has_to_end, 1);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_thread_that_sleeps_or_is_gone_is_not_starved)
{
	struct lm_starved state = {.was_seen = 0};
	pthread_t thread = begin(sleep_long);

	/* It is about to sleep. */
	while (lm_starved_look(&state, number))
		usleep(1000);
	ck_assert_int_eq(lm_starved_look(&state, number), 0);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	/* pthread_join() returns when the thread's memory is free. The kernel may have something to do for it still. */
	while (syscall(SYS_tgkill, getpid(), number, 0) == 0)
		usleep(1000);
	ck_assert_int_eq(lm_starved_look(&state, number), 0);
	ck_assert_int_eq(lm_starved_look(&state, 0), 0);
}
END_TEST

/* The kernel shows a name as it is. */
START_TEST(a_name_hides_nothing)
{
	struct lm_starved state = {.was_seen = 0};
	pthread_t thread = begin(spin);

	ck_assert_int_eq(pthread_setname_np(thread, "a) S 1 (b\n) S "), 0);
	ck_assert_int_eq(lm_starved_look(&state, number), 1);
	lm_store(&has_to_end, 1);
	pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("starved");

	ONCE(a_thread_that_had_the_processor_is_not_starved);
	ONCE(a_thread_that_has_no_processor_is_starved);
	ONCE(a_thread_that_sleeps_or_is_gone_is_not_starved);
	ONCE(a_name_hides_nothing);
	return run_suite(suite);
}
