/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * UNWIND=libunwind: unw_backtrace(), whose cached path is 200 times as fast as
 * a loop of unw_step(). See unwind.h.
 */
#define UNW_LOCAL_ONLY
#include <errno.h>
#include <fcntl.h>
#include <libunwind.h>
#include <sys/stat.h>

#include "atomic.h"
#include "compiler.h"
#include "sys.h"
#include "trace_format.h"
#include "trim.h"
#include "unwind.h"
#include "unwind_memory.h"

/* Tests an address before it is read. libunwind's own test writes into a pipe. */
static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *arg)
{
	(void)space, (void)arg;
	if (write || !lm_sys_readable(address))
		return -UNW_EINVAL;
	*value = *(const unw_word_t *)address;
	return 0;
}

/* The numbers of the next two descriptors that will be opened. */
static void next_descriptors(int next[2])
{
	for (int i = 0; i < 2; i++)
		next[i] = lm_sys_open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0);
	for (int i = 0; i < 2; i++) {
		if (next[i] >= 0)
			lm_sys_close(next[i]);
	}
}

/*
 * libunwind keeps a pipe to test addresses with, at the two lowest free
 * descriptors. The program can't have these numbers then. If it closes and
 * reuses them, libunwind reads from and writes to the program's own files. With
 * access_mem() libunwind does not need the pipe, so it is closed.
 */
static void close_pipe(const int ends[2])
{
	struct stat end[2];

	for (int i = 0; i < 2; i++) {
		if (ends[i] < 0 || fstat(ends[i], &end[i]) != 0 || !S_ISFIFO(end[i].st_mode))
			return;
	}
	if (end[0].st_dev != end[1].st_dev || end[0].st_ino != end[1].st_ino)
		return;
	lm_sys_close(ends[0]);
	lm_sys_close(ends[1]);
}

static void prepare(void)
{
	int saved = errno;
	void *frame[1];
	int next[2];

	next_descriptors(next);
	unw_backtrace(frame, 1);
	unw_get_accessors(unw_local_addr_space)->access_mem = access_mem;
	close_pipe(next);
	errno = saved;
}

static int waiting;

void lm_unwind_start(void)
{
	if (lm_unwind_ready())
		prepare();
	else
		waiting = 1;
}

void lm_unwind_forget(struct lm_unwind_memory *memory)
{
	(void)memory;
}

void lm_unwind(struct lm_unwind_memory *memory, const struct lm_caller *caller, uintptr_t *room, unsigned max,
               struct lm_unwound *unwound)
{
	void *found[LM_BACKTRACE_DEPTH_MAX + LM_UNWIND_OWN];
	int count = 0;

	if (lm_unwind_ready()) {
		if (unlikely(waiting) && lm_exchange(&waiting, 0))
			prepare();
		count = unw_backtrace(found, (int)max + LM_UNWIND_OWN);
	}
	*unwound = lm_unwind_trim(caller->pc, found, count, memory ? memory->pcs : room, max);
}

void lm_unwind_flush(void)
{
	unw_flush_cache(unw_local_addr_space, 0, 0);
}
