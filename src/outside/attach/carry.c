/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See carry.h. */
#include "carry.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the process needs for recvmsg(), as it lies in its memory. */
struct letter {
	struct msghdr head;
	struct iovec text;
	char byte;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(CARRY_MAX * sizeof(int))];
};

_Static_assert(sizeof(struct letter) <= REMOTE_ROOM, "the letter has room on the thread's stack");

/* A system call whose result is an error if it is negative. */
static int64_t call(struct remote *remote, long number, const uint64_t arguments[MACHINE_ARGUMENTS])
{
	int64_t result;
	int error = remote_syscall(remote, number, arguments, &result);

	return error ? error : result;
}

int carry_close(struct remote *remote, int fd)
{
	return (int)call(remote, SYS_close, (uint64_t[MACHINE_ARGUMENTS]){(uint64_t)fd});
}

static int make_pair(struct remote *remote, int pair[2])
{
	const uint64_t room = remote_room(remote);
	int64_t error = call(remote, SYS_socketpair,
	                     (uint64_t[MACHINE_ARGUMENTS]){AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, room});

	if (error < 0)
		return (int)error;
	return memory_read(remote->stop->pid, room, pair, 2 * sizeof *pair) == 2 * sizeof *pair ? 0 : -EFAULT;
}

/* What O_EXCL means here is PIDFD_THREAD. */
int carry_open_thread(pid_t tid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, 0);

	if (fd < 0)
		fd = (int)syscall(SYS_pidfd_open, tid, O_EXCL);
	return fd < 0 ? -errno : fd;
}

/* Our descriptor for the process's descriptor FD, or -errno. TID: one of its threads. */
static int take(pid_t tid, int fd)
{
	int process = carry_open_thread(tid), ours, error;

	if (process < 0)
		return process;
	ours = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	error = errno;
	close(process);
	return ours < 0 ? -error : ours;
}

static int post(int socket, const int *fds, size_t count)
{
	struct letter letter = {.byte = 0};
	struct cmsghdr *header;

	letter.text = (struct iovec){&letter.byte, 1};
	letter.head = (struct msghdr){.msg_iov = &letter.text,
	                              .msg_iovlen = 1,
	                              .msg_control = letter.control,
	                              .msg_controllen = CMSG_SPACE(count * sizeof *fds)};
	header = CMSG_FIRSTHDR(&letter.head);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof *fds);
	memcpy(CMSG_DATA(header), fds, count * sizeof *fds);
	return sendmsg(socket, &letter.head, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

/* The process receives the letter on descriptor SOCKET. */
static int receive(struct remote *remote, int socket, int *fds, size_t count)
{
	const uint64_t at = remote_room(remote);
	struct letter letter = {.byte = 0};
	const struct cmsghdr *header = (const struct cmsghdr *)(const void *)letter.control;
	int64_t result;
	int error;

	/* Pointers as the process has them. */
	letter.text = (struct iovec){(void *)(uintptr_t)(at + offsetof(struct letter, byte)), 1};
	letter.head = (struct msghdr){.msg_iov = (void *)(uintptr_t)(at + offsetof(struct letter, text)),
	                              .msg_iovlen = 1,
	                              .msg_control = (void *)(uintptr_t)(at + offsetof(struct letter, control)),
	                              .msg_controllen = sizeof letter.control};
	error = memory_write(remote->stop->pid, at, &letter, sizeof letter);
	if (error)
		return error;
	result = call(remote, SYS_recvmsg,
	              (uint64_t[MACHINE_ARGUMENTS]){(uint64_t)socket, at, MSG_CMSG_CLOEXEC | MSG_DONTWAIT});
	if (result < 0)
		return (int)result;
	if (memory_read(remote->stop->pid, at, &letter, sizeof letter) != sizeof letter)
		return -EFAULT;
	/* With too few free descriptors, the kernel leaves some out. */
	if (header->cmsg_len != CMSG_LEN(count * sizeof *fds) || header->cmsg_type != SCM_RIGHTS)
		return -EMFILE;
	memcpy(fds, CMSG_DATA(header), count * sizeof *fds);
	return 0;
}

static int hand_over(struct remote *remote, const int pair[2], const int *fds, size_t count, int *theirs)
{
	int socket = take(remote->stop->pid, pair[0]), error;

	if (socket < 0)
		return socket;
	error = post(socket, fds, count);
	close(socket);
	return error ? error : receive(remote, pair[1], theirs, count);
}

int carry(struct remote *remote, const int *ours, size_t count, int *theirs)
{
	int fds[CARRY_MAX], got[CARRY_MAX], pair[2], error;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		theirs[i] = -1;
		if (ours[i] >= 0)
			fds[used++] = ours[i];
	}
	if (!used)
		return 0;
	error = make_pair(remote, pair);
	if (error)
		return error;
	error = hand_over(remote, pair, fds, used, got);
	carry_close(remote, pair[0]);
	carry_close(remote, pair[1]);
	used = 0;
	for (size_t i = 0; !error && i < count; i++) {
		if (ours[i] >= 0)
			theirs[i] = got[used++];
	}
	return error;
}
