/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See attach_wait.h. The trace is read as it grows, as log-malloc-top does. */
#include "attach_wait.h"
#include "attach_target.h"
#include "cli.h"
#include "consumers.h"
#include "trace.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

enum { STEP_MS = 50 };

static volatile sig_atomic_t came;

static void note(int signal)
{
	(void)signal;
	came = 1;
}

void attach_wait_prepare(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART}, before;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

struct watch {
	const struct attach_wait *wait;
	uint64_t since; /* milliseconds */
	enum attach_wait_end end;
};

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Is there a reason to wait no longer, beside the growth? */
static bool is_over(struct watch *watch)
{
	if (came)
		watch->end = ATTACH_WAIT_SIGNAL;
	else if (attach_target_has_ended(watch->wait->pid))
		watch->end = ATTACH_WAIT_ENDED;
	else if (watch->wait->for_ms && clock_ms() - watch->since >= watch->wait->for_ms)
		watch->end = ATTACH_WAIT_TIME;
	else
		return false;
	return true;
}

/* A source's wait(). */
static bool wait_for_more(void *context)
{
	if (is_over(context))
		return false;
	nanosleep(&(struct timespec){.tv_nsec = (long)STEP_MS * 1000000}, NULL);
	return true;
}

/* Reads the trace until its blocks have grown, or wait_for_more() says no. False if it can't be read. */
static bool follow(struct watch *watch, struct trace *trace)
{
	const struct source_follow how = {.wait = wait_for_more, .context = watch};
	struct consumers consumers = {.mean = 0};
	struct trace_item item;
	int got = 0, error = source_follow(&trace->input.source, &how);

	trace->input.source.stop = &came;
	watch->end = ATTACH_WAIT_ENDED;
	while (!error && consumers.live.bytes < watch->wait->growth && (got = trace_next(trace, &item)) > 0) {
		if (item.kind == TRACE_CALL)
			error = consumers_apply(&consumers, &trace->image, &item);
	}
	if (consumers.live.bytes >= watch->wait->growth)
		watch->end = ATTACH_WAIT_GROWTH;
	else
		is_over(watch);
	consumers_free(&consumers);
	return !error && got >= 0;
}

static void wait_without_trace(struct watch *watch)
{
	while (wait_for_more(watch))
		;
}

enum attach_wait_end attach_wait(const struct attach_wait *wait)
{
	struct watch watch = {.wait = wait, .since = clock_ms()};
	struct trace *trace = wait->growth ? cli_open_trace(wait->trace, NULL) : NULL;

	if (!trace) {
		wait_without_trace(&watch);
		return watch.end;
	}
	if (!follow(&watch, trace)) {
		cli_error("the trace can't be followed, so its growth is not seen");
		wait_without_trace(&watch);
	}
	trace_close(trace);
	free(trace);
	return watch.end;
}
