/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See remote.h. A function returns to an instruction that makes a system call. The thread is run from one system call
 * to the next one, so it is stopped in front of that call, which is known by its stack pointer and is not made.
 */
#include "remote.h"
#include "memory.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* A stop at a system call is told from a signal by this. */
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* The kernel's set of signals. */
enum { MASK_SIZE = 8 };

/* A thread waits so long for a lock before the others run, and so long in all. */
enum { ALONE_MS = 100, STEP_MS = 5, WAIT_MS = 20000 };

/* ---- the thread's state ----------------------------------------------------------- */

static struct stop_thread *own_thread(const struct remote *remote)
{
	for (size_t i = 0; i < remote->stop->count; i++) {
		if (remote->stop->threads[i].tid == remote->tid)
			return &remote->stop->threads[i];
	}
	return NULL;
}

static void save_more(struct remote *remote)
{
	for (int i = 0; machine_more_registers[i]; i++) {
		struct iovec to = {remote->more[i].bytes, sizeof remote->more[i].bytes};
		uintptr_t kind = (uintptr_t)machine_more_registers[i];

		remote->more[i].size = ptrace(PTRACE_GETREGSET, remote->tid, (void *)kind, &to) == 0 ? to.iov_len : 0;
	}
}

static void restore_more(struct remote *remote)
{
	for (int i = 0; machine_more_registers[i]; i++) {
		struct iovec from = {remote->more[i].bytes, remote->more[i].size};
		uintptr_t kind = (uintptr_t)machine_more_registers[i];

		if (remote->more[i].size)
			ptrace(PTRACE_SETREGSET, remote->tid, (void *)kind, &from);
	}
}

static int get_registers(struct remote *remote)
{
	struct iovec to = {remote->now.bytes, sizeof remote->now.bytes};

	if (ptrace(PTRACE_GETREGSET, remote->tid, (void *)NT_PRSTATUS, &to) != 0)
		return -errno;
	remote->now.size = to.iov_len;
	return 0;
}

static int set_registers(struct remote *remote)
{
	struct iovec from = {remote->now.bytes, remote->now.size};

	return ptrace(PTRACE_SETREGSET, remote->tid, (void *)NT_PRSTATUS, &from) == 0 ? 0 : -errno;
}

/* ---- running from one stop to the next ---------------------------------------------- */

/* The other threads run, so that one of them can release what this one waits for. */
static void let_others_run(struct remote *remote)
{
	for (size_t i = 0; i < remote->stop->count; i++) {
		struct stop_thread *thread = &remote->stop->threads[i];

		if (thread->tid != remote->tid && thread->is_stopped)
			stop_resume_thread(thread);
	}
	remote->others_ran = true;
}

/* Waits until the thread has stopped. 0 with STATUS, -ESRCH if it ended, -ETIMEDOUT. */
static int wait_for_thread(struct remote *remote, int *status)
{
	int error = stop_wait(remote->tid, status, ALONE_MS);

	if (error != -ETIMEDOUT)
		return error;
	let_others_run(remote);
	for (int ms = 0; error == -ETIMEDOUT && ms < WAIT_MS; ms += STEP_MS) {
		stop_pass_signals(remote->stop);
		error = stop_wait(remote->tid, status, STEP_MS);
	}
	if (error != -ETIMEDOUT)
		return error;
	/* The thread has to stand to be given back. */
	ptrace(PTRACE_INTERRUPT, remote->tid, NULL, NULL);
	return stop_wait(remote->tid, status, WAIT_MS) == 0 ? -ETIMEDOUT : -ESRCH;
}

/* Runs the thread to the entry or the end of the next system call, and reads its registers. 0 or -errno. */
static int step(struct remote *remote)
{
	int status, error;

	/* Any other stop, such as a group stop that begins just now, is passed over. All signals are blocked. */
	do {
		if (ptrace(PTRACE_SYSCALL, remote->tid, NULL, NULL) != 0)
			return -errno;
		error = wait_for_thread(remote, &status);
		if (error)
			return error;
		/* A fault: the process would not survive it. */
		if (WSTOPSIG(status) != SYSCALL_STOP && !(status >> 16))
			return -EFAULT;
	} while (WSTOPSIG(status) != SYSCALL_STOP);
	return get_registers(remote);
}

/* ---- calls --------------------------------------------------------------------------- */

int remote_syscall(struct remote *remote, long number, const uint64_t arguments[MACHINE_ARGUMENTS], int64_t *result)
{
	struct machine_call call = {.at = remote->gadget, .number = (uint64_t)number};
	int error;

	memcpy(call.arguments, arguments, sizeof call.arguments);
	remote->now = remote->before;
	machine_set_syscall(&remote->now, &call);
	error = set_registers(remote);
	if (!error)
		error = step(remote);
	if (!error)
		error = step(remote);
	*result = (int64_t)machine_result(&remote->now);
	return error;
}

/* Is the thread in front of the system call that stands for a function's return? */
static bool has_returned(const struct remote *remote, const struct machine_call *call)
{
	return machine_pc(&remote->now) == remote->gadget + machine_syscall_size &&
	       machine_sp(&remote->now) == machine_sp_returned(call);
}

static int run_to_return(struct remote *remote, const struct machine_call *call, uint64_t *result)
{
	int error = step(remote);

	while (!error && !has_returned(remote, call)) {
		error = step(remote); /* the end of a system call that the function makes */
		if (!error)
			error = step(remote);
	}
	if (error)
		return error;
	*result = machine_returned(&remote->now);
	error = machine_skip_syscall(remote->tid, &remote->now);
	return error ? error : step(remote);
}

int remote_call(struct remote *remote, uint64_t function, const uint64_t arguments[MACHINE_ARGUMENTS], uint64_t *result)
{
	struct machine_call call = {
		.at = function, .stack = remote->stack + REMOTE_STACK - 4096, .return_to = remote->gadget};
	int error = 0;

	memcpy(call.arguments, arguments, sizeof call.arguments);
	if (machine_return_is_on_stack())
		error = memory_write(remote->stop->pid, call.stack - sizeof call.return_to, &call.return_to,
		                     sizeof call.return_to);
	remote->now = remote->before;
	machine_set_function(&remote->now, &call);
	if (!error)
		error = set_registers(remote);
	if (!error)
		error = run_to_return(remote, &call, result);
	/* Others that had to run are stopped again. */
	return error ? error : stop_again(remote->stop);
}

uint64_t remote_room(const struct remote *remote)
{
	return remote->stack;
}

/* ---- begin and end --------------------------------------------------------------------- */

/*
 * The thread must not be about to get a signal, which could be lost. One that waits in a system call is the best: it is
 * in no sequence of instructions that has to be begun anew after an interruption.
 */
static const struct stop_thread *choose(const struct stop *stop)
{
	const struct stop_thread *chosen = NULL;

	for (size_t i = 0; i < stop->count; i++) {
		const struct stop_thread *thread = &stop->threads[i];

		if (!thread->is_stopped || thread->signal)
			continue;
		if (machine_is_in_syscall(&thread->registers))
			return thread;
		if (!chosen)
			chosen = thread;
	}
	return chosen;
}

static int find_gadget(struct remote *remote, uint64_t code, uint64_t size)
{
	unsigned char *bytes = malloc(size);
	size_t got = bytes ? memory_read(remote->stop->pid, code, bytes, size) : 0;
	unsigned char *found = got ? memmem(bytes, got, machine_syscall, machine_syscall_size) : NULL;

	/* Instructions of a fixed size lie at multiples of it. */
	while (found && machine_syscall_size > 2 && (size_t)(found - bytes) % machine_syscall_size)
		found = memmem(found + 1, got - (size_t)(found + 1 - bytes), machine_syscall, machine_syscall_size);
	if (found)
		remote->gadget = code + (uint64_t)(found - bytes);
	free(bytes);
	return found ? 0 : -ENOEXEC;
}

static int map_stack(struct remote *remote)
{
	const uint64_t arguments[MACHINE_ARGUMENTS] = {
		0, REMOTE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0};
	int64_t result;
	int error = remote_syscall(remote, SYS_mmap, arguments, &result);

	if (!error && result < 0 && result > -4096)
		error = (int)result;
	if (!error)
		remote->stack = (uint64_t)result;
	return error;
}

static int unmap_stack(struct remote *remote)
{
	const uint64_t arguments[MACHINE_ARGUMENTS] = {remote->stack, REMOTE_STACK};
	int64_t result;

	if (!remote->stack)
		return 0;
	return remote_syscall(remote, SYS_munmap, arguments, &result);
}

static int block_signals(struct remote *remote)
{
	const uint64_t all = ~(uint64_t)0;
	void *size = (void *)(uintptr_t)MASK_SIZE;

	if (ptrace(PTRACE_GETSIGMASK, remote->tid, size, &remote->mask) != 0 ||
	    ptrace(PTRACE_SETSIGMASK, remote->tid, size, &all) != 0)
		return -errno;
	return ptrace(PTRACE_SETOPTIONS, remote->tid, NULL, (void *)(uintptr_t)PTRACE_O_TRACESYSGOOD) == 0 ? 0 : -errno;
}

int remote_begin(struct remote *remote, struct stop *stop, uint64_t code, uint64_t size)
{
	const struct stop_thread *thread = choose(stop);
	int error;

	memset(remote, 0, sizeof *remote);
	remote->stop = stop;
	if (!thread)
		return -EAGAIN;
	remote->tid = thread->tid;
	remote->before = thread->registers;
	error = find_gadget(remote, code, size);
	if (error)
		return error;
	save_more(remote);
	error = block_signals(remote);
	if (!error)
		error = map_stack(remote);
	if (error)
		remote_end(remote);
	return error;
}

/*
 * The thread stands at the end of a system call. It gets its registers back, and is stopped once more where a signal
 * would be delivered: there, the kernel begins the system call again that the registers tell of.
 */
static int stand_as_before(struct remote *remote)
{
	struct stop_thread *thread = own_thread(remote);
	int error;

	if (!thread)
		return -ESRCH;
	remote->now = remote->before;
	error = set_registers(remote);
	restore_more(remote);
	ptrace(PTRACE_SETSIGMASK, remote->tid, (void *)(uintptr_t)MASK_SIZE, &remote->mask);
	ptrace(PTRACE_SETOPTIONS, remote->tid, NULL, NULL);
	if (error || ptrace(PTRACE_INTERRUPT, remote->tid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_CONT, remote->tid, NULL, NULL) != 0)
		return error ? error : -errno;
	thread->is_stopped = false;
	return stop_again(remote->stop);
}

int remote_end(struct remote *remote)
{
	int error = unmap_stack(remote), failed;

	failed = stand_as_before(remote);
	return error ? error : failed;
}
