/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See triggers.h. */
#include "triggers.h"

#include "cgroup.h"
#include "draw.h"
#include "live.h"
#include "lock.h"
#include "marks.h"
#include "signals.h"
#include "sink.h"
#include "state.h"
#include "usage.h"
#include "warn.h"

/* How often the memory is looked at, at most, and how often failures are marked. */
#define LOOK_MS   100
#define FAILED_MS 1000

_Static_assert(LM_TRIGGER_SAMPLES == LM_DRAW_FEWEST, "users are told when triggers fire");

/* A step of growth in percent of little would be nothing. */
#define GROWTH_MIN (INT64_C(1) << 20)

/* Where several threads count for themselves, the sum may be this part of the amount too late. */
#define LATE 4096

#define NEVER UINT64_MAX

/* What a trigger looks at. Of a sample, what is in use is an estimate: then it has variances (lm_draw_spread()). */
struct value {
	uint64_t bytes;
	uint64_t spread; /* its own */
	uint64_t moved;  /* of all that came and went since the process began; at some time, it begins at 0 again */
};

struct trigger {
	struct lm_trigger_setting setting;
	uint64_t amount;   /* bytes at which it fires; of growth, bytes of a step */
	struct value last; /* when it last fired; of growth, the step begins there */
	int is_fired;      /* it does not fire again before what it looks at has fallen */
};

struct lm_triggers_watch lm_triggers_watch;

static struct {
	struct lm_lock lock;
	struct trigger list[LM_TRIGGER_MAX];
	unsigned count;
	int has_memory;     /* some are about the memory of process or group */
	const char *group;  /* the file that tells of the group's memory, or NULL */
	uint64_t failed_ms; /* when a failure is marked again */
} triggers;

/* So many traces began in this process, and in those that it was forked from. */
static unsigned traces;

/* What lm_triggers_take_kept() returns. */
static unsigned kept;

/* What is in use, as sums of what blocks of the sample stand for, and the variances of that (struct value). */
static int64_t estimate, estimate_spread;
static uint64_t estimate_moved;

/* ---- setting up ---- */

static int is_about_use(enum lm_trigger_kind kind)
{
	return kind == LM_TRIGGER_PEAK || kind == LM_TRIGGER_GROWTH;
}

static int has_kind(enum lm_trigger_kind kind)
{
	for (unsigned i = 0; i < triggers.count; i++) {
		if (triggers.list[i].setting.kind == kind)
			return 1;
	}
	return 0;
}

void lm_triggers_set(const struct lm_trigger_setting *list, unsigned count)
{
	lm_triggers_release();
	for (unsigned i = 0; i < count; i++) {
		triggers.list[i].setting = list[i];
		lm_triggers_watch.is_used |= is_about_use(list[i].kind);
	}
	triggers.count = count;
	triggers.has_memory = has_kind(LM_TRIGGER_RSS) || has_kind(LM_TRIGGER_CGROUP);
	lm_triggers_watch.is_sparse = lm_triggers_watch.is_used && lm_settings.sample != 0;
	lm_triggers_watch.is_set = count != 0;
	lm_triggers_watch.is_failed = has_kind(LM_TRIGGER_FAILED);
}

void lm_triggers_release(void)
{
	__builtin_memset(&triggers, 0, sizeof triggers);
	__builtin_memset(&lm_triggers_watch, 0, sizeof lm_triggers_watch);
	estimate = estimate_spread = 0;
	estimate_moved = 0;
}

/* PERCENT of WHOLE, and at least a byte. */
static uint64_t part_of(uint64_t whole, uint64_t percent)
{
	uint64_t part = whole / 100 * percent + whole % 100 * percent / 100;

	return part ? part : 1;
}

static uint64_t not_negative(int64_t number)
{
	return number > 0 ? (uint64_t)number : 0;
}

static struct value in_use(void)
{
	if (!lm_triggers_estimate())
		return (struct value){.bytes = not_negative(lm_account_totals().requested)};
	return (struct value){.bytes = not_negative(lm_load(&estimate)),
	                      .spread = not_negative(lm_load(&estimate_spread)),
	                      .moved = lm_load(&estimate_moved)};
}

/* The next step begins at USED. */
static void begin_step(struct trigger *trigger, const struct value *used)
{
	uint64_t step = trigger->setting.amount;

	if (trigger->setting.is_percent) {
		step = part_of(used->bytes, step);
		step = step < GROWTH_MIN ? GROWTH_MIN : step;
	}
	trigger->last = *used;
	trigger->amount = step;
}

/* The bytes at which TRIGGER fires next. */
static uint64_t bound_of(const struct trigger *trigger)
{
	return trigger->amount + (trigger->setting.kind == LM_TRIGGER_GROWTH ? trigger->last.bytes : 0);
}

static void begin(struct trigger *trigger, const struct value *used, uint64_t group_limit)
{
	const struct lm_trigger_setting *setting = &trigger->setting;
	uint64_t machine = lm_usage_machine();

	trigger->is_fired = 0;
	trigger->amount = setting->amount;
	if (setting->kind == LM_TRIGGER_GROWTH)
		begin_step(trigger, used);
	else if (setting->is_percent && setting->kind == LM_TRIGGER_CGROUP)
		trigger->amount = part_of(group_limit < machine ? group_limit : machine, setting->amount);
	else if (setting->is_percent)
		trigger->amount = part_of(lm_usage_allowed(group_limit), setting->amount);
}

/* ---- when to look at what is in use ---- */

/* Where there is nothing to do: the bytes in use are from LOW to HIGH - 1. */
struct range {
	int64_t low, high;
};

/* Narrows RANGE to where TRIGGER has nothing to do. */
static void narrow(struct range *range, const struct trigger *trigger)
{
	int64_t amount = (int64_t)bound_of(trigger);

	if (trigger->is_fired)
		amount -= amount / 8;
	if (trigger->is_fired && amount > range->low)
		range->low = amount;
	else if (!trigger->is_fired && amount < range->high)
		range->high = amount;
}

/*
 * How much the count of each thread may change before it looks at the sum, USED now, so that the sum does not leave
 * RANGE unseen. A thread's change since the last look of another thread can be twice as much: down, and up again. Only
 * the change of a single thread is the sum's.
 */
static int64_t slack_of(const struct range *range, int64_t used)
{
	const int64_t up = range->high == INT64_MAX ? INT64_MAX : range->high - used;
	const int64_t down = range->low == INT64_MIN ? INT64_MAX : used - range->low;
	const int64_t least = up < down ? up : down;
	int64_t threads = 0, late;

	for (const struct lm_account_share *share = lm_account_first(); share; share = share->next)
		threads++;
	if (threads <= 1)
		return least;
	late = range->high == INT64_MAX ? 0 : range->high / LATE;
	return (least / 2 > late ? least / 2 : late) / threads;
}

/* With the lock, or while no other thread is at work. */
static void watch_use(int64_t used)
{
	struct range range = {INT64_MIN, INT64_MAX};

	for (unsigned i = 0; i < triggers.count; i++) {
		if (is_about_use(triggers.list[i].setting.kind))
			narrow(&range, &triggers.list[i]);
	}
	lm_store(&lm_triggers_watch.low, range.low);
	lm_store(&lm_triggers_watch.high, range.high);
	lm_store(&lm_triggers_watch.slack, slack_of(&range, used));
}

/* To find it takes a look at all mounts, which may be many. */
static int needs_group(void)
{
	for (unsigned i = 0; i < triggers.count; i++) {
		const struct lm_trigger_setting *setting = &triggers.list[i].setting;

		if (setting->kind == LM_TRIGGER_CGROUP || (setting->is_percent && setting->kind != LM_TRIGGER_GROWTH))
			return 1;
	}
	return 0;
}

static void find_group(uint64_t *limit)
{
	static int is_told;

	triggers.group = lm_cgroup_find(limit);
	if (!triggers.group && has_kind(LM_TRIGGER_CGROUP) && !lm_exchange(&is_told, 1))
		lm_warn("LOG_MALLOC_AT: the memory of the process's control group can't be read, so cgroup= never "
		        "fires",
		        0);
}

void lm_triggers_begin(void)
{
	uint64_t group_limit = UINT64_MAX;
	struct value used;

	lm_lock_reset(&triggers.lock);
	lm_store(&kept, 0);
	if (!triggers.count)
		return;
	lm_triggers_watch.trace = ++traces;
	used = in_use();
	if (needs_group())
		find_group(&group_limit);
	triggers.failed_ms = 0;
	for (unsigned i = 0; i < triggers.count; i++)
		begin(&triggers.list[i], &used, group_limit);
	watch_use((int64_t)used.bytes);
	lm_store(&lm_triggers_watch.next_ms, triggers.has_memory ? 0 : NEVER);
}

static int is_outside(int64_t used)
{
	return used >= lm_load(&lm_triggers_watch.high) || used < lm_load(&lm_triggers_watch.low);
}

int lm_triggers_expect(const struct lm_thread *thread, int64_t coming)
{
	int64_t moved;

	if (lm_triggers_estimate())
		return 1;
	if (!lm_settings_is_packed())
		return is_outside(lm_account_near().requested + coming);
	moved = thread->books.requested - thread->looked_at;
	/* A thread that is new to the trace changes how much each of them may change. */
	return thread->looked_in != lm_triggers_watch.trace ||
	       (moved < 0 ? -moved : moved) >= lm_load(&lm_triggers_watch.slack);
}

/* ---- looking ---- */

/* A trigger that has fired, for its mark. */
struct fired {
	enum lm_trigger_kind kind;
	uint64_t value, amount;
};

/*
 * Does TO differ from FROM by more than chance? Blocks that both have make no difference, but which these are is not
 * kept: so it is as if both had nothing in common, or as if nothing that came meanwhile had gone.
 */
static int is_known(const struct value *from, const struct value *to)
{
	const uint64_t moved = to->moved - from->moved, both = from->spread + to->spread;

	return lm_draw_is_known(to->bytes > from->bytes ? to->bytes - from->bytes : from->bytes - to->bytes,
	                        moved < both ? moved : both, lm_settings.sample);
}

/* VALUE is what TRIGGER looks at. With the lock. Does it fire? */
static int look_at(struct trigger *trigger, const struct value *value)
{
	static const struct value nothing;
	const uint64_t amount = trigger->amount;

	if (trigger->setting.kind == LM_TRIGGER_GROWTH) {
		if (value->bytes < bound_of(trigger) || !is_known(&trigger->last, value))
			return 0;
		begin_step(trigger, value);
		return 1;
	}
	if (value->bytes >= amount && !trigger->is_fired && is_known(&nothing, value)) {
		trigger->is_fired = 1;
		trigger->last = *value;
		return 1;
	}
	if (value->bytes < amount - amount / 8 && is_known(&trigger->last, value))
		trigger->is_fired = 0;
	return 0;
}

static unsigned look_at_all(struct fired *fired, unsigned count, enum lm_trigger_kind kind, const struct value *value)
{
	for (unsigned i = 0; i < triggers.count; i++) {
		struct trigger *trigger = &triggers.list[i];
		const uint64_t bound = bound_of(trigger);

		if (trigger->setting.kind == kind && look_at(trigger, value))
			fired[count++] = (struct fired){kind, value->bytes, bound};
	}
	return count;
}

static unsigned look_at_use(struct fired *fired, unsigned count)
{
	const struct value used = in_use();

	count = look_at_all(fired, count, LM_TRIGGER_PEAK, &used);
	count = look_at_all(fired, count, LM_TRIGGER_GROWTH, &used);
	watch_use((int64_t)used.bytes);
	return count;
}

/* A value that can't be read is 0, which no trigger waits for. */
static unsigned look_at_memory(struct fired *fired, unsigned count)
{
	const struct value resident = {.bytes = lm_usage_resident()};
	struct value group = {.bytes = 0};

	if (triggers.group && lm_cgroup_number(triggers.group, &group.bytes) != 0)
		group.bytes = 0;
	count = look_at_all(fired, count, LM_TRIGGER_RSS, &resident);
	return look_at_all(fired, count, LM_TRIGGER_CGROUP, &group);
}

/* A call that asked for SIZE bytes failed. */
static unsigned look_at_failure(struct fired *fired, unsigned count, uint64_t size, uint64_t ms)
{
	for (unsigned i = 0; i < triggers.count; i++) {
		if (triggers.list[i].setting.kind != LM_TRIGGER_FAILED || ms < triggers.failed_ms)
			continue;
		triggers.failed_ms = ms + FAILED_MS;
		fired[count++] = (struct fired){LM_TRIGGER_FAILED, size, 0};
	}
	return count;
}

/* Of several threads whose turn it is to look at the memory, one gets it. */
static int take_turn(uint64_t ms)
{
	uint64_t next = lm_load(&lm_triggers_watch.next_ms);

	return ms >= next && lm_compare_exchange(&lm_triggers_watch.next_ms, &next, ms + LOOK_MS);
}

static int is_failure(const struct lm_event *event)
{
	return event->error == ENOMEM && !event->calling;
}

/* The marks are in the trace. Where a file can be kept, the session does that before the next event. */
static void mark(const struct fired *fired, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		lm_marks_fired(lm_trigger_word(fired[i].kind), fired[i].value, fired[i].amount);
		lm_fetch_or(&kept, 1u << fired[i].kind);
	}
	lm_sink_flush();
	if (lm_live_is_kept())
		lm_state_ready(0);
}

unsigned lm_triggers_take_kept(void)
{
	return lm_load(&kept) ? lm_exchange(&kept, 0) : 0;
}

/* A change of what is in use that another thread looks at just now is looked at by this one again: the lock says so. */
void lm_triggers_look(const struct lm_event *event, struct lm_thread *thread, uint64_t ms)
{
	const int is_used = lm_triggers_watch_use() && lm_triggers_expect(thread, 0);
	const int is_turn = take_turn(ms), has_failed = is_failure(event);
	struct fired fired[LM_TRIGGER_MAX];
	struct lm_signals signals;
	unsigned count = 0;

	if (!is_used && !is_turn && !has_failed)
		return;
	lm_signals_block(&signals);
	lm_lock_take(&triggers.lock);
	if (is_used) {
		thread->looked_at = thread->books.requested;
		thread->looked_in = lm_triggers_watch.trace;
		count = look_at_use(fired, count);
	}
	if (is_turn)
		count = look_at_memory(fired, count);
	if (has_failed)
		count = look_at_failure(fired, count, event->size, ms);
	lm_lock_release(&triggers.lock);
	lm_signals_unblock(&signals, 0);
	if (count)
		mark(fired, count);
}

/* ---- the estimate ---- */

void lm_triggers_weigh(size_t size, int sign)
{
	const uint64_t spread = lm_draw_spread(size, lm_settings.sample);

	lm_add(&estimate, sign * (int64_t)lm_draw_weighted(size, lm_settings.sample));
	lm_add(&estimate_spread, sign * (int64_t)spread);
	lm_add(&estimate_moved, spread);
}

void lm_triggers_weigh_event(const struct lm_event *event)
{
	/* A resize that failed leaves its block as it was. */
	if (event->calling || event->error)
		return;
	if (event->old && !event->foreign)
		lm_triggers_weigh(event->old_size, -1);
	if (event->p && !event->unkept)
		lm_triggers_weigh(event->size, 1);
}
