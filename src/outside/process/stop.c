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
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define STOP_EVENT(status) ((unsigned)(status) >> 16)

/* ---- one thread ---------------------------------------------------------------- */

/*
 * Waits until a thread that was interrupted has stopped. If a signal came first, that is the stop, and the signal is
 * kept for later; the interrupt is then still to come, and is passed over by stop_again(). 0, or -ESRCH if it ended.
 */
static int wait_for_stop(struct stop_thread *thread)
{
	int status;

	for (;;) {
		pid_t waited = waitpid(thread->tid, &status, __WALL);

		if (waited < 0 && errno == EINTR)
			continue;
		if (waited < 0 || !WIFSTOPPED(status))
			return -ESRCH;
		break;
	}
	thread->is_stopped = true;
	thread->is_group = STOP_EVENT(status) == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
	if (!STOP_EVENT(status))
		thread->signal = WSTOPSIG(status);
	return 0;
}

/* A thread that has ended, such as the first one while others go on, can't be attached to; the kernel says EPERM. */
static bool has_ended(pid_t tid)
{
	char path[32], line[64], state = 'X';
	FILE *status;

	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof line, status) && sscanf(line, "State: %c", &state) != 1)
		continue;
	if (status)
		fclose(status);
	return state == 'Z' || state == 'X';
}

static int seize(struct stop_thread *thread)
{
	if (ptrace(PTRACE_SEIZE, thread->tid, NULL, NULL) != 0)
		return errno == EPERM && has_ended(thread->tid) ? -ESRCH : -errno;
	if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0)
		return -errno;
	return wait_for_stop(thread);
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

/* A thread may end before it is ours: that is no trouble. */
static int add(struct stop *stop, pid_t tid)
{
	struct stop_thread *threads = array_grow(stop->threads, &stop->room, stop->count + 1, sizeof *threads);
	int error;

	if (!threads)
		return -ENOMEM;
	stop->threads = threads;
	threads[stop->count] = (struct stop_thread){.tid = tid};
	error = seize(&threads[stop->count]);
	if (error == -ESRCH)
		return 0;
	if (!error)
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
	size_t found;
	int error;

	do {
		error = add_new(stop, &found);
	} while (!error && found);
	if (!error && !stop->count)
		error = -ESRCH;
	for (size_t i = 0; !error && i < stop->count; i++)
		error = stop_read_registers(&stop->threads[i]);
	return error;
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
static int let_run(struct stop_thread *thread)
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
		int failed = stop->threads[i].is_stopped ? let_run(&stop->threads[i]) : 0;

		if (failed && failed != -ESRCH)
			error = failed;
	}
	return error;
}

static void forget(struct stop *stop, size_t place)
{
	stop->count--;
	for (size_t i = place; i < stop->count; i++)
		stop->threads[i] = stop->threads[i + 1];
}

int stop_again(struct stop *stop)
{
	for (size_t i = 0; i < stop->count; i++)
		ptrace(PTRACE_INTERRUPT, stop->threads[i].tid, NULL, NULL);
	for (size_t i = 0; i < stop->count;) {
		struct stop_thread *thread = &stop->threads[i];

		if (!thread->is_stopped && wait_for_stop(thread) != 0)
			forget(stop, i);
		else
			i++;
	}
	return add_all(stop);
}

void stop_release(struct stop *stop)
{
	for (size_t i = 0; i < stop->count; i++)
		ptrace(PTRACE_DETACH, stop->threads[i].tid, NULL, (void *)(intptr_t)stop->threads[i].signal);
	free(stop->threads);
	*stop = (struct stop){0};
}
