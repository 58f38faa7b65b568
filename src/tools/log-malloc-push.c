/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc-push: sends profiles of live traces to a store, again and again. Each trace has a process of its own here,
 * so that one store's answer delays one trace. The traced program writes to its trace whatever happens here.
 */
#include "clock.h"
#include "command.h"
#include "push_delivery.h"
#include "push_image.h"
#include "push_options.h"
#include "store.h"
#include "writer.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	/* So often it is looked whether the trace has grown. */
	LOOK_MS = 100,
	/* The clock is looked at after so many events. */
	EVENTS_A_LOOK = 1024,
};

struct push {
	struct command_work work;
	struct push_options options;
	/* About the trace: */
	struct push_delivery delivery;
	bool is_caught_up; /* all was read once */
	/* About the image that is read: */
	struct push_image image;
	struct resolver resolver;
	bool is_open;    /* its last profile is still to come */
	uint64_t events; /* since the clock was looked at */
};

static volatile sig_atomic_t stopped;

static int deliver_if_due(struct push *p)
{
	if (!push_delivery_is_due(&p->delivery))
		return 0;
	return push_delivery_send(&p->delivery, &p->image, &p->work.trace->image);
}

static void begin_image(struct push *p)
{
	const struct trace_image *image = &p->work.trace->image;

	p->resolver = command_resolver(&p->work);
	p->image.locations = (struct locations){.stacks = &image->stacks, .resolver = &p->resolver};
	p->is_open = true;
}

static void end_image(struct push *p)
{
	locations_free(&p->image.locations);
	push_image_free(&p->image);
	command_next_image(&p->work);
}

/* The next profile is of the whole time that the program ran until now. */
static void begin_with_program(struct push *p)
{
	const uint64_t ran = p->work.trace->image.time;

	p->image.from -= ran < p->image.from ? ran : 0;
}

/* Of a program that ran for long before we came, what it allocated then did not happen now. */
static int catch_up(struct push *p)
{
	struct push_profile profile;
	int error;

	p->is_caught_up = true;
	if (p->work.trace->image.time <= p->options.every) {
		begin_with_program(p);
		return 0;
	}
	error = push_image_profile(&p->image, &p->work.trace->image, p->image.from, &profile);
	if (error)
		return error;
	push_image_advance(&p->image, &profile);
	push_profile_free(&profile);
	return 0;
}

/* The image is over, or we are to end. */
static int deliver_last(struct push *p)
{
	const struct trace_image *image = &p->work.trace->image;

	if (!p->image.consumers.allocated.count && !p->delivery.sent && !image->begun)
		return 0;
	if (!p->is_caught_up)
		begin_with_program(p);
	return push_delivery_send_last(&p->delivery, &p->image, image);
}

/*
 * A profile of each file would be a profile at any time, and as many as there are files. So the next profile has what
 * all of them allocated.
 */
static int go_on_in_next_file(struct push *p)
{
	const struct trace_image *image = &p->work.trace->image;
	int error = 0;

	if (p->is_caught_up || image->time <= p->options.every)
		error = push_image_leave_file(&p->image, image);
	end_image(p);
	begin_image(p);
	return error;
}

/* A source's wait(). */
static bool wait_for_more(void *context)
{
	struct push *p = context;
	const struct trace *trace = p->work.trace;

	if (stopped || !writer_is_alive(trace->input.source.fd, trace->input.name, (pid_t)trace->image.pid))
		return false;
	if (!p->is_caught_up && catch_up(p) != 0)
		return false;
	if (deliver_if_due(p) != 0)
		return false;
	clock_pause(LOOK_MS);
	return !stopped;
}

static int take_item(struct push *p, const struct trace_item *item)
{
	const struct trace_image *image = &p->work.trace->image;
	int error = 0;

	if (item->kind == TRACE_CALL)
		error = consumers_apply(&p->image.consumers, image, item);
	if (!error && ++p->events % EVENTS_A_LOOK == 0 && p->is_caught_up)
		error = deliver_if_due(p);
	if (error || item->kind != TRACE_END)
		return error;
	if (image->followed && image->ending == TRACE_CONTINUED)
		return go_on_in_next_file(p);
	error = deliver_last(p);
	end_image(p);
	p->is_open = false;
	p->image.from = push_delivery_now();
	if (image->followed)
		begin_image(p);
	return error;
}

static int follow(void *context)
{
	struct push *p = context;
	struct trace *trace = p->work.trace;
	const struct source_follow how = {.wait = wait_for_more, .context = p};
	struct trace_item item;
	int got = 0, error = source_follow(&trace->input.source, &how);

	/* A signal ends it between two events, so that what was read is sent. */
	push_delivery_begin(&p->delivery);
	p->image.from = push_delivery_now();
	begin_image(p);
	while (!error && !(stopped && p->is_open) && (got = trace_next(trace, &item)) > 0)
		error = take_item(p, &item);
	if (!error && got >= 0 && p->is_open)
		error = deliver_last(p);
	end_image(p);
	push_image_forget_older(&p->image);
	return error ? error : got < 0 ? got : 0;
}

static bool is_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		cli_error("%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		cli_error("%s: it is no file, and a pipe can't be left while the store is slow", path);
	else
		return true;
	return false;
}

/* Sends the profiles of one trace, to its end. */
static enum cli_status push_trace(struct push *p, const char *path)
{
	const struct push_delivery *delivery = &p->delivery;
	char trouble[STORE_TROUBLE];
	enum cli_status status;
	struct store *store;

	if (!is_file(path))
		return CLI_TROUBLE;
	store = store_open(&p->options.store, trouble);
	if (!store) {
		cli_error("%s", trouble);
		return CLI_TROUBLE;
	}
	p->delivery = (struct push_delivery){.options = &p->options, .path = path, .store = store};
	status = command_read(&p->work, path, follow, p);
	store_close(store);
	if (delivery->not_taken)
		cli_error("%s: %" PRIu64 " profile%s delivered; %" PRIu64 " deliver%s failed", path, delivery->sent,
		          delivery->sent == 1 ? " was" : "s were", delivery->not_taken,
		          delivery->not_taken == 1 ? "y" : "ies");
	return status == CLI_OK && delivery->is_late ? CLI_FINDINGS : status;
}

/* ---- several traces ------------------------------------------------------------- */

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The first signal ends the work, a second one the program. What is ignored stays ignored. */
static void watch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM};
	struct sigaction once = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND}, before;

	sigemptyset(&once.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &once, NULL);
	/* A store that closes the connection is no reason to end. */
	signal(SIGPIPE, SIG_IGN);
}

static pid_t begin_child(struct push *p, const char *path)
{
	pid_t parent = getpid(), child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(CLI_TROUBLE);
	exit(command_look_up(&p->work) ? command_finish(&p->work, push_trace(p, path)) : CLI_TROUBLE);
}

/* Waits for all. A signal is for all, too. */
static enum cli_status wait_for_all(const pid_t *children, size_t count)
{
	enum cli_status status = CLI_OK;
	bool is_passed_on = false;

	for (size_t i = 0; i < count;) {
		int how = 0;
		bool is_known = children[i] > 0 && waitpid(children[i], &how, 0) > 0;

		if (children[i] > 0 && !is_known && errno == EINTR) {
			for (size_t k = i; stopped && !is_passed_on && k < count; k++)
				kill(children[k], SIGTERM);
			is_passed_on |= stopped;
			continue;
		}
		if (!is_known || !WIFEXITED(how))
			status = CLI_TROUBLE;
		else if (WEXITSTATUS(how) > (int)status)
			status = (enum cli_status)WEXITSTATUS(how);
		i++;
	}
	return status;
}

static enum cli_status push_each(struct push *p)
{
	pid_t *children = calloc(p->options.paths.count, sizeof *children);
	enum cli_status status;

	if (!children)
		cli_usage_error("%s", strerror(ENOMEM));
	for (size_t i = 0; i < p->options.paths.count; i++)
		children[i] = begin_child(p, p->options.paths.list[i]);
	status = wait_for_all(children, p->options.paths.count);
	free(children);
	return status;
}

int main(int argc, char **argv)
{
	static struct push p;

	push_options_parse(&p.options, &p.work, argc, argv);
	watch_signals();
	if (p.options.paths.count > 1)
		return cli_finish(push_each(&p));
	if (!command_look_up(&p.work))
		return CLI_TROUBLE;
	return command_finish(&p.work, push_trace(&p, p.options.paths.list[0]));
}
