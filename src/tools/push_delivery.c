/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See push_delivery.h. */
#include "push_delivery.h"
#include "clock.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	/* After failures, deliveries become rarer up to this distance, but not more often than --every says. */
	BACK_OFF_MAX_MS = 300000,
	/* No longer than this is a store obeyed that wants no other profile for some time. */
	ASKED_MAX_MS = 3600000,
	/* At the end, a delivery is tried so often, with so much time between. */
	LAST_TRIES = 3,
	LAST_PAUSE_MS = 500,
};

/* A signal ends it. */
static void pause_ms(uint64_t ms)
{
	struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* "program{key=value}". Characters that are Pyroscope's own are not in a program's name. */
static void make_name(const struct push_options *options, const char *exe, char *name, size_t room)
{
	const char *slash = exe ? strrchr(exe, '/') : NULL;
	const char *shown = options->name ? options->name : slash ? slash + 1 : exe ? exe : "program";
	size_t used = 0;

	for (; *shown && used + 1 < room; shown++) {
		bool is_plain = isalnum((unsigned char)*shown) || strchr("._-/", *shown);

		name[used++] = options->name || is_plain ? *shown : '_';
	}
	name[used] = '\0';
	if (options->labels)
		snprintf(name + used, room - used, "{%s}", options->labels);
}

/* Says when deliveries begin to fail, and when they go well again. In between, they are only counted. */
static void note_outcome(struct push_delivery *d, bool taken, const char *trouble)
{
	if (taken && d->failures)
		cli_error("%s: the store takes profiles again; it did not take %u", d->path, d->failures);
	if (!taken && !d->failures)
		cli_error("%s: %s", d->path, trouble);
	d->failures = taken ? 0 : d->failures + 1;
	d->sent += taken;
	d->not_taken += !taken;
}

/* Between the half of MS and all of it. A fleet that began at once, or lost its store at once, must not come at once.
 */
static uint64_t scatter(uint64_t ms)
{
	uint32_t random;

	if (getentropy(&random, sizeof random) != 0)
		return ms;
	return ms - random % (ms / 2 + 1);
}

/* How long the store wants to be left alone. */
static uint64_t asked_pause(const struct push_delivery *d, uint64_t most)
{
	const uint64_t asked = d->failures ? store_asked_pause(d->store) : 0;

	return asked < most ? asked : most;
}

/* How long until the next delivery. */
static uint64_t distance(const struct push_delivery *d)
{
	uint64_t ms = d->options->every, most = ms > BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS, asked;

	if (!d->failures)
		return ms;
	for (unsigned i = 0; i < d->failures && ms < most; i++)
		ms *= 2;
	ms = scatter(ms < most ? ms : most);
	asked = asked_pause(d, ASKED_MAX_MS);
	return ms > asked ? ms : asked + scatter(d->options->every);
}

uint64_t push_delivery_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void push_delivery_begin(struct push_delivery *d)
{
	d->due = clock_ms() + scatter(d->options->every);
}

bool push_delivery_is_due(const struct push_delivery *d)
{
	return clock_ms() >= d->due;
}

int push_delivery_send(struct push_delivery *d, struct push_image *push, const struct trace_image *image)
{
	char name[NAME_MAX + PIPE_BUF], trouble[STORE_TROUBLE];
	struct push_profile profile;
	struct store_profile sent;
	bool taken;
	int error = push_image_profile(push, image, push_delivery_now(), &profile);

	if (error)
		return error;
	make_name(d->options, image->exe, name, sizeof name);
	sent = (struct store_profile){profile.bytes, profile.len, name, push->from / 1000, (profile.to + 999) / 1000};
	taken = store_send(d->store, &sent, trouble);
	note_outcome(d, taken, trouble);
	if (taken)
		push_image_advance(push, &profile);
	push_profile_free(&profile);
	d->due = clock_ms() + distance(d);
	return 0;
}

int push_delivery_send_last(struct push_delivery *d, struct push_image *push, const struct trace_image *image)
{
	int error = 0;

	for (int i = 0; !error && i < LAST_TRIES; i++) {
		/* It is not waited for longer than for an answer. */
		if (i)
			pause_ms(LAST_PAUSE_MS + asked_pause(d, d->options->store.timeout));
		error = push_delivery_send(d, push, image);
		if (!d->failures)
			return error;
	}
	d->is_late = true;
	return error;
}
