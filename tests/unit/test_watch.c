/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process that is watched from its start to its end behaves as if it were not, and is shown when it ends. */
#include "support.h"
#include "tracing.h"
#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 20, SHOWN_MAX = 32 };

static struct {
	int ends;
	pid_t pids[SHOWN_MAX];
	size_t threads[SHOWN_MAX];
	int ended;
	char state; /* of the first process, when it was shown */
} seen;

static void ending(void *context, const struct stop *stop)
{
	(void)context;
	ck_assert_int_lt(seen.ends, SHOWN_MAX);
	seen.pids[seen.ends] = stop->pid;
	seen.threads[seen.ends++] = stop->count;
	for (size_t i = 0; i < stop->count; i++)
		ck_assert_uint_gt(stop->threads[i].registers.size, 0);
}

static void ended(void *context)
{
	(void)context;
	seen.ended++;
}

/* Runs LIVE in a watched process, and returns its status. */
static int watch_it(void (*live)(void), bool follows)
{
	struct watch watch = {.follows = follows, .ending = ending, .ended = ended};
	int go[2], status = 0;
	pid_t pid;
	char byte;

	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		/* Check has a handler of its own. */
		signal(SIGTERM, SIG_DFL);
		close(go[1]);
		if (read(go[0], &byte, 1) == 0)
			live();
		_exit(99);
	}
	close(go[0]);
	ck_assert_int_eq(watch_begin(&watch, pid), 0);
	close(go[1]);
	ck_assert_int_eq(watch_wait(&watch, pid, &status), 0);
	ck_assert_int_eq(seen.ended, 1);
	return status;
}

/* ---- one process ----------------------------------------------------------------- */

static void *wait_for_ever(void *barrier)
{
	pthread_barrier_wait(barrier);
	for (;;)
		pause();
	return NULL;
}

static void start_waiting(void)
{
	static pthread_barrier_t barrier;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&thread, NULL, wait_for_ever, &barrier) != 0)
			_exit(98);
	}
	pthread_barrier_wait(&barrier);
}

static void exit_with_threads(void)
{
	start_waiting();
	exit(7);
}

START_TEST(a_process_that_exits_is_shown_once_with_all_its_threads)
{
	int status = watch_it(exit_with_threads, false);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	ck_assert_int_eq(seen.ends, 1);
	ck_assert_uint_eq(seen.threads[0], THREADS + 1);
}
END_TEST

static void *nothing(void *argument)
{
	return argument;
}

static void come_and_go(void)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
			_exit(98);
	}
	_exit(8);
}

START_TEST(threads_that_end_alone_are_not_held)
{
	int status = watch_it(come_and_go, false);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 8);
	ck_assert_int_eq(seen.ends, 1);
	ck_assert_uint_eq(seen.threads[0], 1);
}
END_TEST

static void *exit_later(void *argument)
{
	(void)argument;
	usleep(20000);
	exit(9);
}

static void leave_main_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, exit_later, NULL);
	pthread_exit(NULL);
}

START_TEST(the_main_thread_can_end_first)
{
	int status = watch_it(leave_main_thread, false);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	ck_assert_int_eq(seen.ends, 1);
	ck_assert_uint_eq(seen.threads[0], 1);
}
END_TEST

/* ---- exec -------------------------------------------------------------------------- */

static void *execute(void *argument)
{
	(void)argument;
	execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
	_exit(97);
}

static void execute_by_thread(void)
{
	pthread_t thread;

	start_waiting();
	pthread_create(&thread, NULL, execute, NULL);
	for (;;)
		pause();
}

static void execute_by_main(void)
{
	start_waiting();
	execute(NULL);
}

START_TEST(exec_ends_the_other_threads_and_not_the_process)
{
	int status = watch_it(_i ? execute_by_main : execute_by_thread, false);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	ck_assert_int_eq(seen.ends, 1);
	ck_assert_uint_eq(seen.threads[0], 1);
}
END_TEST

/* ---- signals ------------------------------------------------------------------------ */

static const int deadly[] = {SIGKILL, SIGTERM, SIGSEGV, SIGABRT};

static int deadly_signal;

static void die(void)
{
	start_waiting();
	kill(getpid(), deadly_signal);
	pause();
}

START_TEST(a_process_that_a_signal_kills_is_shown)
{
	int status;

	deadly_signal = deadly[_i];
	status = watch_it(die, false);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), deadly_signal);
	ck_assert_int_eq(seen.ends, 1);
	ck_assert_uint_eq(seen.threads[0], THREADS + 1);
}
END_TEST

static volatile sig_atomic_t handled, value;

static void note(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	handled++;
	value = info->si_value.sival_int;
}

/* A signal comes with what its sender gave it, and a stopped process stays stopped until SIGCONT. */
static void use_signals(void)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	pid_t self = getpid(), other;
	int status;

	sigaction(SIGUSR1, &action, NULL);
	sigqueue(self, SIGUSR1, (union sigval){.sival_int = 4711});
	if (handled != 1 || value != 4711)
		_exit(1);
	other = fork();
	if (other == 0) {
		char path[32], state = '?';

		usleep(50000);
		snprintf(path, sizeof path, "/proc/%d/stat", (int)self);
		FILE *file = fopen(path, "r");
		if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
			_exit(3);
		kill(self, SIGCONT);
		/* t: traced and stopped. */
		_exit(state == 't' || state == 'T' ? 0 : 2);
	}
	raise(SIGSTOP);
	if (waitpid(other, &status, 0) != other)
		_exit(4);
	_exit(status == 0 ? 0 : 5);
}

START_TEST(signals_are_delivered_as_ever)
{
	int status = watch_it(use_signals, false);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_int_eq(seen.ends, 1);
}
END_TEST

/* ---- processes ---------------------------------------------------------------------- */

static void start_processes(void)
{
	for (volatile int i = 0; i < 5; i++) {
		pid_t pid = i & 1 ? vfork() : fork();
		int status;

		if (pid == 0)
			_exit(i);
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != i)
			_exit(98);
	}
	_exit(0);
}

START_TEST(processes_that_it_starts_are_shown_if_they_are_followed)
{
	int status = watch_it(start_processes, _i);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(seen.ends, _i ? 6 : 1);
}
END_TEST

/* A process that outlives the first one goes on, and nobody holds it. */
static int outlived[2];

static void leave_one_behind(void)
{
	if (fork() == 0) {
		usleep(100000);
		if (write(outlived[1], "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	_exit(0);
}

START_TEST(processes_that_run_on_are_let_go)
{
	char byte;

	ck_assert_int_eq(pipe(outlived), 0);
	watch_it(leave_one_behind, true);
	close(outlived[1]);
	ck_assert_int_eq(read(outlived[0], &byte, 1), 1);
	ck_assert_int_eq(read(outlived[0], &byte, 1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");

#define WATCHING(test, times) add_tracing_test(suite, TRACING_CHILDREN, #test, test, times)
	WATCHING(a_process_that_exits_is_shown_once_with_all_its_threads, 0);
	WATCHING(threads_that_end_alone_are_not_held, 0);
	WATCHING(the_main_thread_can_end_first, 0);
	WATCHING(exec_ends_the_other_threads_and_not_the_process, 2);
	WATCHING(a_process_that_a_signal_kills_is_shown, (int)(sizeof deadly / sizeof *deadly));
	WATCHING(signals_are_delivered_as_ever, 0);
	WATCHING(processes_that_it_starts_are_shown_if_they_are_followed, 2);
	WATCHING(processes_that_run_on_are_let_go, 0);
	return run_suite(suite);
}
