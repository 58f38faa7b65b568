/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See sample.h. */
#include "sample.h"

#include <fcntl.h>

#include "atomic.h"
#include "clock.h"
#include "descriptor.h"
#include "sys.h"

static struct {
	struct lm_descriptor statm;
	uint64_t interval_ms;
	uint64_t start_ms;
	uint64_t file_ms; /* since the start: when the trace's file began */
	uint64_t next_ms; /* since the start */
} sample = {.interval_ms = LM_SAMPLE_NEVER};

void lm_sample_stop(void)
{
	lm_descriptor_close(&sample.statm);
	sample.interval_ms = LM_SAMPLE_NEVER;
}

void lm_sample_start(uint64_t interval_ms)
{
	int fd;

	/* A child of fork has its parent's. */
	lm_sample_stop();
	sample.next_ms = sample.file_ms = 0;
	sample.start_ms = lm_clock_coarse_ms();
	if (interval_ms == LM_SAMPLE_NEVER)
		return;
	fd = lm_sys_open("/proc/self/statm", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (lm_descriptor_keep(&sample.statm, fd) == 0)
		sample.interval_ms = interval_ms;
	lm_sys_close(fd);
}

int lm_sample_is_due(uint64_t ms)
{
	return sample.interval_ms != LM_SAMPLE_NEVER && ms >= lm_load(&sample.next_ms);
}

/* Of several threads whose turn it is, one gets it. */
static int take_turn(uint64_t ms)
{
	uint64_t next = lm_load(&sample.next_ms);

	if (sample.interval_ms == 0)
		return 1;
	return ms >= next && lm_compare_exchange(&sample.next_ms, &next, ms + sample.interval_ms);
}

static int parse(const char *text, struct lm_statm *statm)
{
	for (int i = 0; i < LM_TRACE_STATM_FIELDS; i++) {
		uint64_t pages = 0;

		if (*text < '0' || *text > '9')
			return 0;
		while (*text >= '0' && *text <= '9')
			pages = pages * 10 + (uint64_t)(*text++ - '0');
		statm->pages[i] = pages;
		if (*text == ' ')
			text++;
	}
	return 1;
}

uint64_t lm_sample_now(void)
{
	return lm_clock_coarse_ms() - sample.start_ms;
}

void lm_sample_renew(void)
{
	lm_store(&sample.file_ms, lm_sample_now());
}

/* A thread may have looked at the clock just before. */
uint64_t lm_sample_in_file(uint64_t ms)
{
	uint64_t began = lm_load(&sample.file_ms);

	return ms > began ? ms - began : 0;
}

int lm_sample_is_wanted(void)
{
	return sample.interval_ms != LM_SAMPLE_NEVER;
}

int lm_sample_is_constant(void)
{
	return sample.interval_ms == 0;
}

int lm_sample_take(uint64_t ms, struct lm_statm *statm)
{
	char text[160];
	long n;

	if (sample.interval_ms == LM_SAMPLE_NEVER || !take_turn(ms) || !lm_descriptor_is_ours(&sample.statm))
		return 0;
	n = lm_sys_pread(sample.statm.fd, text, sizeof text - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The descriptor is about the process's first thread. When that has ended, all is 0. */
	return parse(text, statm) && statm->pages[0];
}
