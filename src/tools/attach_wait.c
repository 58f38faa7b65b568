/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See attach_wait.h. The trace is read as it grows, as log-malloc-top does. */
#include "attach_wait.h"
#include "attach_target.h"
#include "cli.h"
#include "clock.h"
#include "consumers.h"
#include "trace.h"
#include "writer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	STEP_MS = 50,
	/* So often it is looked whether the process still writes to the trace. */
	WRITER_MS = 500,
};

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
	uint64_t since;  /* milliseconds */
	uint64_t looked; /* for a writer */
	enum attach_wait_end end;
};

/* The trace may have gone on in a new file, so it is found by its name. One that has none is not looked at. */
static bool is_written(struct watch *watch)
{
	const uint64_t now = clock_ms();
	bool is_alive;
	int fd;

	if (!watch->wait->is_file || now - watch->looked < WRITER_MS)
		return true;
	watch->looked = now;
	fd = open(watch->wait->trace, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return true;
	is_alive = writer_is_alive(fd, watch->wait->trace, watch->wait->pid);
	close(fd);
	return is_alive;
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
	else if (!is_written(watch))
		watch->end = ATTACH_WAIT_UNTRACED;
	else
		return false;
	return true;
}

/* A source's wait(). */
static bool wait_for_more(void *context)
{
	if (is_over(context))
		return false;
	clock_pause(STEP_MS);
	return true;
}

/* Each image, and each file that the trace goes on in, begins with what is live then. */
static int take_item(struct consumers *consumers, const struct trace *trace, const struct trace_item *item)
{
	if (item->kind == TRACE_CALL)
		return consumers_apply(consumers, &trace->image, item);
	if (item->kind == TRACE_END && trace->image.followed)
		consumers_free(consumers);
	return 0;
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
	while (!error && consumers.live.bytes < watch->wait->growth && (got = trace_next(trace, &item)) > 0)
		error = take_item(&consumers, trace, &item);
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
	struct watch watch = {.wait = wait, .since = clock_ms(), .looked = clock_ms()};
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
