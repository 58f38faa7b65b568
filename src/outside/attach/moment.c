/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See moment.h. */
#include "moment.h"
#include "array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Rounds in which only the threads run that are inside; and how often everything runs after them. */
enum { ROUNDS = 150, TRIES = 30 };

/*
 * How long: until they have had so much of the processors' time together. Where other processes have the processors, a
 * thread that is stopped again too soon has not run at all.
 */
enum { RUN_US = 50, LOOK_US = 50, LONGEST_US = 10000, ALL_RUN_MS = 20 };

static void forget_modules(struct moment *moment)
{
	loaded_free(&moment->loaded);
	regions_free(&moment->regions);
}

/* Has an object come or gone? Other memory comes and goes all the time. */
static bool is_same_code(const struct regions *one, const struct regions *other)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < one->count && !(one->items[i].executable && one->items[i].inode))
			i++;
		while (j < other->count && !(other->items[j].executable && other->items[j].inode))
			j++;
		if (i == one->count || j == other->count)
			return i == one->count && j == other->count;
		if (one->items[i].start != other->items[j].start || one->items[i].inode != other->items[j].inode)
			return false;
		i++, j++;
	}
}

int moment_read_again(struct moment *moment)
{
	int error;

	forget_modules(moment);
	moment->is_stale = true;
	error = regions_read(&moment->regions, moment->pid);
	if (!error)
		error = loaded_read(&moment->loaded, moment->pid, &moment->regions);
	return error ? error : inside_code_find(&moment->inside, &moment->loaded);
}

bool moment_may_pass(int error)
{
	return error && error != -ESRCH && error != -EPERM && error != -EACCES;
}

/* Reads what is loaded, unless that is known from an earlier moment. 0 or -errno. */
static int read_modules(struct moment *moment)
{
	struct regions now;
	int error = regions_read(&now, moment->pid);

	if (error)
		return error;
	if (moment->walker.dwfl && !moment->is_stale && is_same_code(&moment->regions, &now)) {
		regions_free(&moment->regions);
		moment->regions = now;
		return 0;
	}
	regions_free(&now);
	error = moment_read_again(moment);
	if (error)
		return error;
	moment->is_stale = false;
	return walker_update(&moment->walker) ? 0 : -ENOMEM;
}

static void pause_for(long microseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

/* Is the thread inside? Then moment->busy is where. */
static bool look_at_thread(struct moment *moment, const struct stop_thread *thread)
{
	const uint64_t inside = walker_find_inside(&moment->walker, thread);

	if (inside)
		moment->busy = inside;
	return inside != 0;
}

static bool is_waiting(const struct moment *moment, pid_t tid)
{
	for (size_t i = 0; i < moment->outside_count; i++) {
		if (moment->outside[i] == tid)
			return true;
	}
	return false;
}

static int keep_waiting(struct moment *moment, pid_t tid)
{
	pid_t *items = array_grow(moment->outside, &moment->outside_room, moment->outside_count + 1, sizeof *items);

	if (!items)
		return -ENOMEM;
	moment->outside = items;
	items[moment->outside_count++] = tid;
	return 0;
}

/* Nanoseconds that the threads have run which do not stand outside. */
static uint64_t time_run(const struct moment *moment)
{
	unsigned long long sum = 0, own;
	char path[64];

	for (size_t i = 0; i < moment->stop.count; i++) {
		FILE *file;

		if (moment->stop.threads[i].is_stopped)
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)moment->pid,
		         (int)moment->stop.threads[i].tid);
		file = fopen(path, "re");
		if (file && fscanf(file, "%llu", &own) == 1)
			sum += own;
		if (file)
			fclose(file);
	}
	return sum;
}

static bool are_asleep(const struct moment *moment)
{
	for (size_t i = 0; i < moment->stop.count; i++) {
		const struct stop_thread *thread = &moment->stop.threads[i];

		if (!thread->is_stopped && stop_state(moment->pid, thread->tid) != 'S')
			return false;
	}
	return true;
}

/* False if the threads that do not stand outside sleep: they may wait for one of those that stand. */
static bool let_run(struct moment *moment)
{
	const uint64_t before = time_run(moment);
	int waited = 0;

	do {
		pause_for(LOOK_US);
		waited += LOOK_US;
		stop_pass_signals(&moment->stop);
	} while (waited < LONGEST_US && time_run(moment) - before < RUN_US * UINT64_C(1000));
	return waited < LONGEST_US || !are_asleep(moment);
}

/*
 * Lets the threads that are inside run for a moment. The others stay where they are: the more threads there are, the
 * rarer is a moment in which all are outside by chance. 1: nobody was inside. 0: somebody was; or -errno. -EAGAIN:
 * those that are inside sleep.
 */
static int run_inside(struct moment *moment)
{
	int error = read_modules(moment);
	bool is_done = true, has_run;

	for (size_t i = 0; !error && i < moment->stop.count; i++) {
		struct stop_thread *thread = &moment->stop.threads[i];

		if (is_waiting(moment, thread->tid))
			continue;
		if (!look_at_thread(moment, thread)) {
			error = keep_waiting(moment, thread->tid);
			continue;
		}
		is_done = false;
		stop_resume_thread(thread);
	}
	if (error || is_done)
		return error ? error : 1;
	has_run = let_run(moment);
	error = stop_again(&moment->stop);
	return error || has_run ? error : -EAGAIN;
}

/* Is there a thread that is not just about to get a signal? Only such a one can be made to call something. */
static bool has_free_thread(const struct moment *moment)
{
	for (size_t i = 0; i < moment->stop.count; i++) {
		if (!moment->stop.threads[i].signal)
			return true;
	}
	return false;
}

/* 1: nobody is inside. 0: somebody is, who may wait for one of those that stand. Or -errno. */
static int try_once(struct moment *moment)
{
	int result = 0;

	moment->outside_count = 0;
	for (int round = 0; !result && round < ROUNDS; round++)
		result = run_inside(moment);
	if (moment_may_pass(result < 0 ? result : 0))
		return 0;
	return result > 0 ? !loaded_changes(&moment->loaded) && has_free_thread(moment) : result;
}

int moment_find_again(struct moment *moment)
{
	int found = 0;

	for (int i = 0; !found && i < TRIES; i++) {
		found = try_once(moment);
		if (found)
			break;
		found = stop_resume(&moment->stop);
		for (int ms = 0; !found && ms < ALL_RUN_MS; ms++) {
			pause_for(1000);
			stop_pass_signals(&moment->stop);
		}
		clock_gettime(CLOCK_MONOTONIC, &moment->since);
		if (!found)
			found = stop_again(&moment->stop);
	}
	if (found > 0)
		return 0;
	moment_end(moment);
	return found ? found : -EBUSY;
}

int moment_find(struct moment *moment, pid_t pid)
{
	int error;

	*moment = (struct moment){.pid = pid};
	moment->walker = (struct walker){.pid = pid,
	                                 .stop = &moment->stop,
	                                 .regions = &moment->regions,
	                                 .loaded = &moment->loaded,
	                                 .code = &moment->inside};
	/* While the process runs, so that it stands still for a shorter time. */
	error = read_modules(moment);
	if (moment_may_pass(error))
		error = 0;
	clock_gettime(CLOCK_MONOTONIC, &moment->since);
	if (!error)
		error = stop_attach(&moment->stop, pid);
	if (!error)
		return moment_find_again(moment);
	moment_end(moment);
	return error;
}

void moment_end(struct moment *moment)
{
	stop_release(&moment->stop);
	forget_modules(moment);
	walker_end(&moment->walker);
	inside_code_free(&moment->inside);
	free(moment->outside);
	moment->outside = NULL;
	moment->outside_count = moment->outside_room = 0;
}
