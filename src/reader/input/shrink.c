/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See shrink.h. The handler calls nothing but mmap() and sigaction(), which are system calls. */
#include "shrink.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static struct shrink *watched;

/* Maps zeros from the page of ADDRESS to the end. */
static int fill(struct shrink *shrink, uintptr_t address)
{
	uintptr_t from = address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
	size_t left = from - (uintptr_t)shrink->data;

	shrink->left = left;
	return mmap(shrink->data + left, shrink->len - left, PROT_READ,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	static const struct sigaction standard = {.sa_handler = SIG_DFL};
	uintptr_t address = (uintptr_t)info->si_addr;
	int error = errno;

	(void)context;
	for (struct shrink *s = watched; s; s = s->next)
		if (address - (uintptr_t)s->data < s->len && fill(s, address) == 0) {
			errno = error;
			return;
		}
	/* This fault is not ours. It happens again without a handler, and ends the process. */
	sigaction(number, &standard, NULL);
	errno = error;
}

void shrink_watch(struct shrink *shrink, char *data, size_t len)
{
	struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

	*shrink = (struct shrink){.data = data, .len = len, .left = len, .next = watched};
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
	watched = shrink;
}

void shrink_forget(struct shrink *shrink)
{
	for (struct shrink **place = &watched; *place; place = &(*place)->next)
		if (*place == shrink) {
			*place = shrink->next;
			return;
		}
}
