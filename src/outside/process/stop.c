/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See stop.h. */
#include "stop.h"
#include "array.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define STOP_EVENT(status) ((unsigned)(status) >> 16)

/* ---- one thread ---------------------------------------------------------------- */

/* A thread stops within microseconds, unless it waits for a disk or for the child of its vfork(). */
enum { LOOK_MS = 10, WAIT_MS = 10000 };

char stop_state(pid_t pid, pid_t tid)
{
	char path[64], text[512];
	const char *state;
	size_t n;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	file = fopen(path, "re");
	if (!file)
		return 'X';
	n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = '\0';
	state = strrchr(text, ')');
	return state && state[1] && state[2] ? state[2] : 'X';
}

/*
 * Has thread TID ended? The main thread stays as a zombie until the last thread ends, and waitpid() does not tell of it
 * until then.
 */
static bool has_ended(pid_t pid, pid_t tid)
{
	const char state = stop_state(pid, tid);

	return state == 'Z' || state == 'X';
}

pid_t stop_find_thread(pid_t pid)
{
	struct dirent *entry;
	char path[32];
	pid_t found = 0;
	DIR *tasks;

	if (!has_ended(pid, pid))
		return pid;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && !found && (entry = readdir(tasks))) {
		const pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && !has_ended(pid, tid))
			found = tid;
	}
	if (tasks)
		closedir(tasks);
	return found;
}

/*
 * The kernel sends SIGCHLD when a thread has stopped. So nobody has to look again and again, which would take the
 * processor from the thread that is waited for.
 */
static int wait_for(pid_t tid, int *status, int ms, const sigset_t *child)
{
	const struct timespec step = {.tv_nsec = LOOK_MS * 1000000L};

	for (int left = ms;; left -= LOOK_MS) {
		pid_t waited = waitpid(tid, status, __WALL | WNOHANG);

		if (waited == tid)
			return WIFSTOPPED(*status) ? 0 : -ESRCH;
		if (waited < 0 && errno != EINTR)
			return -ESRCH;
		/* The signal can be another thread's, so the time is a little shorter at times. */
		if (left <= 0)
			return -ETIMEDOUT;
		if (sigtimedwait(child, NULL, &step) > 0)
			left += LOOK_MS - 1;
	}
}

int stop_wait(pid_t tid, int *status, int ms)
{
	sigset_t child, before;
	int error;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	error = wait_for(tid, status, ms, &child);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* The same of a thread that may end meanwhile. */
static int wait_for_status(pid_t pid, pid_t tid, int *status)
{
	int error = -ETIMEDOUT;

	for (int ms = 0; error == -ETIMEDOUT && ms < WAIT_MS; ms += LOOK_MS) {
		error = stop_wait(tid, status, LOOK_MS);
		if (error == -ETIMEDOUT && has_ended(pid, tid))
			error = -ESRCH;
	}
	return error;
}

static void note_stop(struct stop_thread *thread, int status)
{
	thread->is_stopped = true;
	thread->is_group = STOP_EVENT(status) == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
	if (!STOP_EVENT(status))
		thread->signal = WSTOPSIG(status);
}

/* Has a running thread stopped by itself, to get a signal? */
static bool has_stopped(struct stop_thread *thread)
{
	int status;

	if (waitpid(thread->tid, &status, __WALL | WNOHANG) != thread->tid || !WIFSTOPPED(status))
		return false;
	note_stop(thread, status);
	return true;
}

/*
 * Waits until a thread that was interrupted has stopped. If a signal came first, that is the stop, and the signal is
 * kept for later. Any stop takes back an interrupt that is still to come. 0, or -errno: -ESRCH if the thread ended.
 */
static int wait_for_stop(pid_t pid, struct stop_thread *thread)
{
	int status, error = wait_for_status(pid, thread->tid, &status);

	if (error)
		return error;
	note_stop(thread, status);
	return 0;
}

static int seize(pid_t pid, struct stop_thread *thread)
{
	if (ptrace(PTRACE_SEIZE, thread->tid, NULL, NULL) != 0) {
		/* A zombie can't be attached to. The kernel says then that it is not permitted. */
		return errno == EPERM && has_ended(pid, thread->tid) ? -ESRCH : -errno;
	}
	if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0)
		return -errno;
	return wait_for_stop(pid, thread);
}

int stop_read_registers(struct stop_thread *thread)
{
	struct iovec to = {thread->registers.bytes, sizeof thread->registers.bytes};

	if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &to) != 0)
		return -errno;
	thread->registers.size = to.iov_len;
	return 0;
}

int stop_write_registers(const struct stop_thread *thread, const struct stop_registers *registers)
{
	struct stop_registers copy = *registers;
	struct iovec from = {copy.bytes, copy.size};

	return ptrace(PTRACE_SETREGSET, thread->tid, (void *)NT_PRSTATUS, &from) == 0 ? 0 : -errno;
}

/* ---- all threads --------------------------------------------------------------- */

static struct stop_thread *find(struct stop *stop, pid_t tid)
{
	for (size_t i = 0; i < stop->count; i++) {
		if (stop->threads[i].tid == tid)
			return &stop->threads[i];
	}
	return NULL;
}

static void forget(struct stop *stop, size_t place)
{
	stop->count--;
	for (size_t i = place; i < stop->count; i++)
		stop->threads[i] = stop->threads[i + 1];
}

/* A thread may end before it is ours: that is no trouble. */
static int add(struct stop *stop, pid_t tid)
{
	struct stop_thread *threads = array_grow(stop->threads, &stop->room, stop->count + 1, sizeof *threads);
	int error;

	if (!threads)
		return -ENOMEM;
	stop->threads = threads;
	threads[stop->count] = (struct stop_thread){.tid = tid};
	error = seize(stop->pid, &threads[stop->count]);
	if (error == -ESRCH)
		return 0;
	/* If it does not stop, it is let go with the others. */
	if (!error || error == -ETIMEDOUT)
		stop->count++;
	return error;
}

/* Attaches to the threads that are not ours yet, and counts them in FOUND. 0 or -errno. */
static int add_new(struct stop *stop, size_t *found)
{
	char path[32];
	struct dirent *entry;
	DIR *tasks;
	int error = 0;

	snprintf(path, sizeof path, "/proc/%d/task", (int)stop->pid);
	tasks = opendir(path);
	if (!tasks)
		return errno == ENOENT ? -ESRCH : -errno;
	*found = 0;
	while (!error && (entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		size_t before = stop->count;

		if (tid <= 0 || find(stop, tid))
			continue;
		error = add(stop, tid);
		*found += stop->count > before;
	}
	closedir(tasks);
	return error;
}

/* A thread that is not stopped yet can start another one, so this looks until there are no new ones. */
static int add_all(struct stop *stop)
{
	size_t found = 0;
	int error;

	do {
		error = add_new(stop, &found);
	} while (!error && found);
	if (!error && !stop->count)
		error = -ESRCH;
	for (size_t i = 0; !error && i < stop->count;) {
		error = stop_read_registers(&stop->threads[i]);
		/* It was killed while it was stopped. */
		if (error == -ESRCH) {
			forget(stop, i);
			error = 0;
		} else {
			i++;
		}
	}
	return error || stop->count ? error : -ESRCH;
}

int stop_attach(struct stop *stop, pid_t pid)
{
	int error;

	*stop = (struct stop){.pid = pid};
	error = add(stop, pid);
	if (!error)
		error = add_all(stop);
	if (error)
		stop_release(stop);
	return error;
}

/* A thread in a group stop stays in it (PTRACE_LISTEN), as the program's user wants it to. */
int stop_resume_thread(struct stop_thread *thread)
{
	long result = thread->is_group ? ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL)
	                               : ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(intptr_t)thread->signal);

	if (result != 0)
		return -errno;
	thread->is_stopped = false;
	thread->signal = 0;
	return 0;
}

int stop_resume(struct stop *stop)
{
	int error = 0;

	for (size_t i = 0; i < stop->count; i++) {
		int failed = stop->threads[i].is_stopped ? stop_resume_thread(&stop->threads[i]) : 0;

		if (failed && failed != -ESRCH)
			error = failed;
	}
	return error;
}

void stop_pass_signals(struct stop *stop)
{
	for (size_t i = 0; i < stop->count; i++) {
		struct stop_thread *thread = &stop->threads[i];

		if (!thread->is_stopped && has_stopped(thread))
			stop_resume_thread(thread);
	}
}

int stop_again(struct stop *stop)
{
	int error = 0;

	/* A thread that stands already would be stopped once more when it goes on. */
	for (size_t i = 0; i < stop->count; i++) {
		if (!stop->threads[i].is_stopped && !has_stopped(&stop->threads[i]))
			ptrace(PTRACE_INTERRUPT, stop->threads[i].tid, NULL, NULL);
	}
	for (size_t i = 0; !error && i < stop->count;) {
		struct stop_thread *thread = &stop->threads[i];

		error = thread->is_stopped ? 0 : wait_for_stop(stop->pid, thread);
		if (error == -ESRCH) {
			forget(stop, i);
			error = 0;
		} else {
			i++;
		}
	}
	return error ? error : add_all(stop);
}

/* The kernel lets go only of a thread that is stopped. */
static void release(struct stop *stop, struct stop_thread *thread)
{
	if (!thread->is_stopped &&
	    (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0 || wait_for_stop(stop->pid, thread) != 0))
		return;
	ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(intptr_t)thread->signal);
}

void stop_release(struct stop *stop)
{
	for (size_t i = 0; i < stop->count; i++)
		release(stop, &stop->threads[i]);
	free(stop->threads);
	*stop = (struct stop){0};
}
