/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program that wants its memory locked. It makes EVENTS allocations, locks what
 * is mapped (MCL_CURRENT) or will be (MCL_FUTURE), or both, and allocates up to
 * BLOCKS blocks of SIZE bytes. Its limit of locked memory is LIMIT KiB, and its
 * privileges do not help it; or LIMIT is 0, and they do.
 *
 *     locking EVENTS current|future|both LIMIT BLOCKS SIZE
 *
 * It prints the errno of mlockall(), how many blocks it got, and how much of its
 * memory is locked then, in KiB. Exit status 77: it can't have such a limit.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static char line[256];

/* In KiB. The line and the file are there before anything is locked. */
static long locked(FILE *status)
{
	long kib = -1;

	rewind(status);
	while (fgets(line, sizeof line, status))
		sscanf(line, "VmLck: %ld", &kib);
	return kib;
}

static int limit(rlim_t kib)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	struct rlimit lock;

	if (getrlimit(RLIMIT_MEMLOCK, &lock) != 0)
		return -1;
	lock.rlim_cur = kib << 10;
	if (lock.rlim_max < lock.rlim_cur)
		lock.rlim_max = lock.rlim_cur;
	if (setrlimit(RLIMIT_MEMLOCK, &lock) != 0 || syscall(SYS_capget, &header, data) != 0)
		return -1;
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	return (int)syscall(SYS_capset, &header, data);
}

static void *volatile block;

static int flags(const char *word)
{
	if (strcmp(word, "current") == 0)
		return MCL_CURRENT;
	return strcmp(word, "future") == 0 ? MCL_FUTURE : MCL_CURRENT | MCL_FUTURE;
}

int main(int argc, char **argv)
{
	FILE *status = fopen("/proc/self/status", "re");
	int error = 0;
	long got = 0;

	if (argc < 6 || !status || locked(status) < 0)
		return 2;
	for (int i = atoi(argv[1]); i > 0; i--) {
		block = malloc(1);
		free(block);
	}
	if (atol(argv[3]) && limit((rlim_t)atol(argv[3])) != 0)
		return 77;
	if (mlockall(flags(argv[2])) != 0)
		error = errno;
	while (got < atol(argv[4]) && (block = malloc((size_t)atol(argv[5]))))
		got++;
	printf("%d %ld %ld\n", error, got, locked(status));
	return 0;
}
