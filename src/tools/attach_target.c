/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See attach_target.h. */
#include "attach_target.h"
#include "carry.h"
#include "elf_facts.h"
#include "refused.h"
#include "stop.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool refuse(struct attach_target *target, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct attach_target *target, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(target->reason, sizeof target->reason, fmt, args);
	va_end(args);
	return false;
}

/* ---- the process ---------------------------------------------------------------- */

/* The letter of its state; 0 if there is no such process. */
static char state_of(pid_t pid)
{
	char path[32], line[256], state = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && !state && fgets(line, sizeof line, file)) {
		if (sscanf(line, "State: %c", &state) != 1)
			state = 0;
	}
	if (file)
		fclose(file);
	return state;
}

bool attach_target_has_ended(pid_t pid)
{
	return !stop_find_thread(pid);
}

/* Of a process whose main thread has ended, the kernel tells by the numbers of the others. */
static bool check_thread(struct attach_target *target)
{
	int fd;

	target->thread = stop_find_thread(target->pid);
	if (!target->thread)
		return refuse(target, "process %d has ended, and waits for its parent to take notice",
		              (int)target->pid);
	fd = target->thread == target->pid ? 0 : carry_open_thread(target->thread);
	if (fd > 0)
		close(fd);
	return fd >= 0 || refuse(target,
	                         "the main thread of process %d has ended, and the kernel permits to give the others a "
	                         "descriptor from Linux 6.9 on alone: trace it from its start, with log-malloc COMMAND",
	                         (int)target->pid);
}

static bool check_process(struct attach_target *target)
{
	const int pid = target->pid;
	const char state = state_of(pid);
	long tracer;

	if (pid == getpid())
		return refuse(target, "process %d is this log-malloc itself: to trace that, run it under another one",
		              pid);
	if (!state)
		return refuse(target, "there is no process %d", pid);
	/* A number from /proc/PID/task is a thread's. */
	if (refused_status(pid, "Tgid", 10) != pid)
		return refuse(target, "%d is a thread of process %ld: give that number", pid,
		              refused_status(pid, "Tgid", 10));
	if (!check_thread(target))
		return false;
	tracer = refused_status(target->thread, "TracerPid", 10);
	if (tracer > 0)
		return refuse(
			target,
			"process %d is traced by process %ld already, such as a debugger or strace: end that first",
			pid, tracer);
	if (refused_status(target->thread, "Seccomp", 10) > 0)
		return refuse(
			target,
			"process %d has restricted its system calls (seccomp), and would be killed for those of the "
			"tracker: trace it from its start, with log-malloc COMMAND, or without its sandbox",
			pid);
	return true;
}

/* ---- its program ------------------------------------------------------------------ */

/* Did the kernel give it more rights than its caller had, as for a set-user-id program? */
static bool is_secure(pid_t pid)
{
	unsigned long item[2];
	char path[32];
	bool secure = false;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
	file = fopen(path, "re");
	while (file && fread(item, sizeof item, 1, file) == 1)
		secure |= item[0] == AT_SECURE && item[1];
	if (file)
		fclose(file);
	return secure;
}

static bool check_machine(struct attach_target *target, const struct elf_facts *program,
                          const struct elf_facts *library)
{
	if (!library->is_elf)
		return refuse(target, "%s is no library", target->library);
	if (program->class == library->class && program->data == library->data && program->machine == library->machine)
		return true;
	return refuse(target,
	              "process %d is of another machine or word size than %s: use a log-malloc that was built for it",
	              (int)target->pid, target->library);
}

static bool check_libc(struct attach_target *target, const struct elf_facts *program, const struct elf_facts *library)
{
	static const char *const names[] = {
		[ELF_LIBC_UNKNOWN] = "another C library", [ELF_LIBC_GNU] = "glibc", [ELF_LIBC_MUSL] = "musl"};
	const enum elf_libc theirs = elf_facts_libc(program), ours = elf_facts_libc(library);

	if (theirs == ours || ours == ELF_LIBC_UNKNOWN)
		return true;
	return refuse(target,
	              "process %d runs on %s, and %s on %s: build one for it (make CC=%s B=build/other preload) and "
	              "name that with --library",
	              (int)target->pid, names[theirs], target->library, names[ours],
	              theirs == ELF_LIBC_MUSL ? "musl-gcc" : "gcc");
}

static bool check_facts(struct attach_target *target, const struct elf_facts *program)
{
	struct elf_facts library;

	if (!program->is_elf)
		return refuse(target, "the program of process %d can't be read", (int)target->pid);
	if (program->linked)
		return refuse(
			target,
			"the tracker is linked into process %d: start the program under log-malloc, or turn tracing "
			"on with log_malloc_trace_enable()",
			(int)target->pid);
	elf_facts_read(target->library_fd, &library);
	if (!check_machine(target, program, &library))
		return false;
	if (!program->interp[0])
		return refuse(
			target,
			"process %d is statically linked, nothing can be loaded into it: link the tracker in, with "
			"cc -static ... $(pkg-config --static --libs log-malloc2-wrap)",
			(int)target->pid);
	if (program->asan)
		return refuse(
			target,
			"process %d was built with AddressSanitizer, whose allocator is in charge there and finds "
			"leaks itself: trace a build without -fsanitize=address",
			(int)target->pid);
	return check_libc(target, program, &library);
}

static bool check_program(struct attach_target *target)
{
	struct elf_facts program;
	char path[32], name[8], text[512];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/exe", (int)target->thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && readlink(path, name, sizeof name) < 0)
		return refuse(target, "process %d is a thread of the kernel, which has no malloc()", (int)target->pid);
	if (fd < 0)
		return refuse(target, "%s", refused_text(text, sizeof text, target->pid, errno));
	elf_facts_read(fd, &program);
	close(fd);
	if (is_secure(target->thread))
		return refuse(target,
		              "process %d has more rights than its caller (set-user-id, set-group-id or file "
		              "capabilities), so nothing is loaded into it: trace a copy of its program without these",
		              (int)target->pid);
	return check_facts(target, &program);
}

bool attach_target_check(struct attach_target *target)
{
	return check_process(target) && check_program(target);
}
