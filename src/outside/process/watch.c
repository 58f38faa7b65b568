/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See watch.h.
 *
 * Each thread reports that it ends (PTRACE_EVENT_EXIT), and stands there until it is let go. If only that thread ends,
 * it is let go at once. If the process ends, the kernel makes all its threads end, and each one that has come to its
 * end is held. When all are, the process is shown to the caller.
 *
 * A thread that executes a program makes all others end, too, and waits for them. So held threads are let go if one of
 * the others is in execve().
 */
#include "watch.h"
#include "array.h"
#include "refused.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum {
	POLL_MS = 1,       /* how often a process is looked at whose threads come to their ends */
	PATIENCE_MS = 5000 /* so long at most: a thread in the kernel may not be stoppable (disk, network) */
};

/* What a thread stands at. */
enum place { RUNS, HELD, LEFT };

struct watch_process {
	struct stop stop;
	enum place *places; /* of the threads of STOP */
	size_t places_room;
	bool is_other; /* it is not followed, and let go when it has stopped first */
	bool ending;   /* some threads are held */
	bool shown;    /* to the caller, or given up: nothing of it is held any more */
	unsigned waited_ms;
};

/* ---- processes and threads ------------------------------------------------------- */

static struct watch_process *find_process(struct watch *watch, pid_t pid)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->processes[i].stop.pid == pid)
			return &watch->processes[i];
	}
	return NULL;
}

static struct watch_process *find_thread(struct watch *watch, pid_t tid, size_t *place)
{
	for (size_t i = 0; i < watch->count; i++) {
		const struct stop *stop = &watch->processes[i].stop;

		for (*place = 0; *place < stop->count; ++*place) {
			if (stop->threads[*place].tid == tid)
				return &watch->processes[i];
		}
	}
	return NULL;
}

static struct watch_process *add_process(struct watch *watch, pid_t pid)
{
	struct watch_process *processes =
		array_grow(watch->processes, &watch->room, watch->count + 1, sizeof *processes);

	if (!processes)
		return NULL;
	watch->processes = processes;
	processes[watch->count] = (struct watch_process){.stop = {.pid = pid}};
	return &processes[watch->count++];
}

static int add_thread(struct watch_process *process, pid_t tid)
{
	struct stop *stop = &process->stop;
	struct stop_thread *threads = array_grow(stop->threads, &stop->room, stop->count + 1, sizeof *threads);
	enum place *places;

	if (!threads)
		return -ENOMEM;
	stop->threads = threads;
	places = array_grow(process->places, &process->places_room, stop->count + 1, sizeof *places);
	if (!places)
		return -ENOMEM;
	process->places = places;
	places[stop->count] = RUNS;
	threads[stop->count++] = (struct stop_thread){.tid = tid};
	return 0;
}

static void remove_process(struct watch *watch, struct watch_process *process)
{
	struct watch_process *last = &watch->processes[--watch->count];

	free(process->stop.threads);
	free(process->places);
	*process = *last;
	*last = (struct watch_process){.stop = {.pid = 0}};
}

static void remove_thread(struct watch *watch, struct watch_process *process, size_t place)
{
	struct stop *stop = &process->stop;

	stop->count--;
	for (size_t i = place; i < stop->count; i++) {
		stop->threads[i] = stop->threads[i + 1];
		process->places[i] = process->places[i + 1];
	}
	if (!stop->count)
		remove_process(watch, process);
}

/* ---- what a thread is about ------------------------------------------------------ */

enum call { CALL_OTHER, CALL_EXIT, CALL_EXEC };

/* The names that the system call NUMBER of a thread has; IS_NATIVE: of our own kind, and no 32-bit one. */
static enum call name_call(long number, bool is_native)
{
	/* The numbers that i386, ARM, PowerPC and s390 share, and the first two's of execveat(). */
	static const long exit32 = 1, exec32 = 11, execveat32[] = {358, 387};

	if (is_native)
		return number == SYS_exit                               ? CALL_EXIT
		       : number == SYS_execve || number == SYS_execveat ? CALL_EXEC
		                                                        : CALL_OTHER;
	if (number == exit32)
		return CALL_EXIT;
	return number == exec32 || number == execveat32[0] || number == execveat32[1] ? CALL_EXEC : CALL_OTHER;
}

/* The system call that a thread is in; CALL_OTHER also if it is in none, or if that can't be read. */
static enum call thread_call(const struct watch_process *process, pid_t tid)
{
	bool is_native = true;
	char path[64];
	long number;
	FILE *file;
	int n;

	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)process->stop.pid, (int)tid);
	file = fopen(path, "re");
	if (!file)
		return CALL_OTHER;
	n = fscanf(file, "%ld", &number);
	fclose(file);
	for (size_t i = 0; i < process->stop.count; i++) {
		const struct stop_registers *registers = &process->stop.threads[i].registers;

		if (registers->size)
			is_native = registers->size >= 20 * sizeof(long);
	}
	return n == 1 ? name_call(number, is_native) : CALL_OTHER;
}

static bool is_held(const struct watch_process *process, pid_t tid)
{
	for (size_t i = 0; i < process->stop.count; i++) {
		if (process->stop.threads[i].tid == tid)
			return process->places[i] != RUNS;
	}
	return false;
}

/* Threads that are about to start are in /proc already. */
static bool are_all_held(const struct watch_process *process)
{
	struct dirent *entry;
	bool all = true;
	char path[32];
	DIR *tasks;

	for (size_t i = 0; i < process->stop.count; i++)
		all &= process->places[i] != RUNS;
	snprintf(path, sizeof path, "/proc/%d/task", (int)process->stop.pid);
	tasks = all ? opendir(path) : NULL;
	while (tasks && all && (entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		all = tid <= 0 || is_held(process, tid);
	}
	if (tasks)
		closedir(tasks);
	return all;
}

static size_t count_live(const struct watch_process *process)
{
	size_t live = 0;

	for (size_t i = 0; i < process->stop.count; i++)
		live += process->places[i] != LEFT;
	return live;
}

static bool is_executing(const struct watch_process *process)
{
	for (size_t i = 0; i < process->stop.count; i++) {
		if (process->places[i] == RUNS && thread_call(process, process->stop.threads[i].tid) == CALL_EXEC)
			return true;
	}
	return false;
}

/* ---- the end of a process -------------------------------------------------------- */

static void go_on(pid_t tid, int signal)
{
	ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)signal);
}

static void let_go(struct watch_process *process)
{
	for (size_t i = 0; i < process->stop.count; i++) {
		if (process->places[i] != HELD)
			continue;
		process->places[i] = LEFT;
		go_on(process->stop.threads[i].tid, 0);
	}
	process->ending = false;
}

/* Shows the threads that are held. */
static void show(const struct watch *watch, struct watch_process *process)
{
	struct stop held = {.pid = process->stop.pid, .threads = calloc(process->stop.count, sizeof *held.threads)};

	for (size_t i = 0; held.threads && i < process->stop.count; i++) {
		struct stop_thread *thread = &process->stop.threads[i];

		if (process->places[i] == HELD && stop_read_registers(thread) == 0)
			held.threads[held.count++] = *thread;
	}
	if (held.count)
		watch->ending(watch->context, &held);
	free(held.threads);
	process->shown = true;
	let_go(process);
}

/* Some threads of the process are held. */
static void look(const struct watch *watch, struct watch_process *process)
{
	if (are_all_held(process) || process->waited_ms >= PATIENCE_MS)
		show(watch, process);
	else if (is_executing(process))
		let_go(process);
}

static void thread_ends(const struct watch *watch, struct watch_process *process, size_t place)
{
	pid_t tid = process->stop.threads[place].tid;

	stop_read_registers(&process->stop.threads[place]);
	if (process->shown || (count_live(process) > 1 && thread_call(process, tid) == CALL_EXIT)) {
		process->places[place] = LEFT;
		go_on(tid, 0);
		return;
	}
	process->places[place] = HELD;
	process->ending = true;
	look(watch, process);
}

/* ---- what is reported ------------------------------------------------------------ */

/* One thread is left, under the number of the process. */
static void has_executed(struct watch_process *process)
{
	process->stop.count = 1;
	process->stop.threads[0] = (struct stop_thread){.tid = process->stop.pid};
	process->places[0] = RUNS;
	process->ending = process->shown = false;
	process->waited_ms = 0;
}

/* Finds the record of thread TID, or makes one. NULL if there is no memory, or the thread is gone. */
static struct watch_process *meet(struct watch *watch, pid_t tid, size_t *place)
{
	struct watch_process *process = find_thread(watch, tid, place);
	pid_t pid;

	if (process)
		return process;
	pid = (pid_t)refused_status(tid, "Tgid", 10);
	process = find_process(watch, pid);
	if (!process && pid > 0) {
		process = add_process(watch, pid);
		if (process)
			process->is_other = watch->count > 1 && !watch->follows;
	}
	if (!process || add_thread(process, tid) != 0)
		return NULL;
	*place = process->stop.count - 1;
	return process;
}

static void has_stopped(struct watch *watch, pid_t tid, int status)
{
	const unsigned event = (unsigned)status >> 16;
	unsigned long message;
	size_t place;
	struct watch_process *process = meet(watch, tid, &place);

	if (!process || process->is_other) {
		ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)(event ? 0 : WSTOPSIG(status)));
		if (process)
			remove_thread(watch, process, place);
		return;
	}
	switch (event) {
	case 0:
		go_on(tid, WSTOPSIG(status));
		return;
	case PTRACE_EVENT_EXIT:
		thread_ends(watch, process, place);
		return;
	case PTRACE_EVENT_EXEC:
		has_executed(process);
		break;
	case PTRACE_EVENT_STOP:
		/* A stopped process: SIGCONT ends that, and is reported like this with SIGTRAP. */
		if (WSTOPSIG(status) != SIGTRAP) {
			ptrace(PTRACE_LISTEN, tid, NULL, NULL);
			return;
		}
		break;
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		/* Attached from its start, it stands until it is let go, which must not be forgotten. */
		if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) == 0)
			meet(watch, (pid_t)message, &place);
		break;
	default:
		break;
	}
	go_on(tid, 0);
}

static void has_ended(struct watch *watch, pid_t tid)
{
	size_t place;
	struct watch_process *process = find_thread(watch, tid, &place);

	if (process)
		remove_thread(watch, process, place);
}

/* ---- the whole -------------------------------------------------------------------- */

int watch_begin(struct watch *watch, pid_t pid)
{
	long options = PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE;
	struct watch_process *process = add_process(watch, pid);

	if (!process || add_thread(process, pid) != 0)
		return -ENOMEM;
	if (watch->follows)
		options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	return ptrace(PTRACE_SEIZE, pid, NULL, (void *)(intptr_t)options) == 0 ? 0 : -errno;
}

/* Looks once more at the processes whose threads come to their ends. */
static void look_again(struct watch *watch)
{
	watch->waits = false;
	for (size_t i = 0; i < watch->count; i++) {
		struct watch_process *process = &watch->processes[i];

		if (!process->ending)
			continue;
		look(watch, process);
		process->waited_ms += POLL_MS;
		watch->waits |= process->ending;
	}
}

/* Waits for the next report, which stays to be taken: 1. 0: some processes have to be looked at again. Else -errno. */
static int wait_for_report(struct watch *watch, siginfo_t *info)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

	info->si_pid = 0;
	while (waitid(P_ALL, 0, info, WEXITED | WSTOPPED | WNOWAIT | __WALL | (watch->waits ? WNOHANG : 0)) != 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (info->si_pid)
		return 1;
	nanosleep(&pause, NULL);
	return 0;
}

static bool is_end(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED;
}

/* Lets go of whatever runs still. A thread has to stop for that. */
static void release(struct watch *watch)
{
	for (size_t k = 0; k < watch->count; k++) {
		struct watch_process *process = &watch->processes[k];

		for (size_t i = 0; i < process->stop.count; i++)
			process->stop.threads[i].is_stopped = process->places[i] == HELD;
		stop_again(&process->stop);
		stop_release(&process->stop);
		free(process->places);
	}
	free(watch->processes);
	*watch = (struct watch){0};
}

int watch_wait(struct watch *watch, pid_t pid, int *status)
{
	siginfo_t info;
	int found, own = 0;

	for (;;) {
		found = wait_for_report(watch, &info);
		if (found < 0)
			break;
		if (found && info.si_pid == pid && is_end(&info))
			watch->ended(watch->context);
		if (found && waitpid(info.si_pid, &own, __WALL) == info.si_pid) {
			if (WIFSTOPPED(own))
				has_stopped(watch, info.si_pid, own);
			else if (info.si_pid == pid)
				break;
			else
				has_ended(watch, info.si_pid);
		}
		look_again(watch);
	}
	*status = own;
	has_ended(watch, pid);
	release(watch);
	return found < 0 ? found : 0;
}
