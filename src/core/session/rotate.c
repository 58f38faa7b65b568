/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See rotate.h. The order of the steps, each of which may be the process's last:
 *
 *   1. the oldest file is removed
 *   2. TRACE.next is made, with what is live, and locked as our trace
 *   3. the trace's last line says that it goes on
 *   4. TRACE.old-1 becomes TRACE.old-2, and so on
 *   5. TRACE and TRACE.next change places in one step, and the latter becomes TRACE.old-1
 *   6. the descriptors are moved
 */
#include "rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "arena.h"
#include "descriptor.h"
#include "direct.h"
#include "earlier.h"
#include "guard.h"
#include "limit.h"
#include "live.h"
#include "marks.h"
#include "next.h"
#include "owner.h"
#include "process.h"
#include "renew.h"
#include "sample.h"
#include "settings.h"
#include "sink.h"
#include "sys.h"
#include "target.h"
#include "text.h"
#include "trace_name.h"
#include "warn.h"

/* After a failure, how long it is waited. */
#define RETRY_MS 1000

/* The same as in <linux/fs.h>. */
#define EXCHANGE 2u

/* Not on the stack, which may be small. */
struct names {
	char target[PATH_MAX], from[PATH_MAX];
};

static struct {
	const char *path, *next; /* of the trace, and of the file that it goes on in */
	long parent;
	int is_limited; /* the file has the line that tells of the limit */
	int is_told, is_size_told;
} rotate;

/* ---- names ---- */

/* The text of the trace's name, up to SUFFIX. */
static struct lm_text begin_name(char name[PATH_MAX], const char *suffix)
{
	struct lm_text text = {name, name + PATH_MAX - 1};

	lm_text_string(&text, rotate.path);
	lm_text_string(&text, suffix);
	return text;
}

/* 0, or -ENAMETOOLONG. */
static int end_name(const struct lm_text *text)
{
	*text->at = '\0';
	return text->at < text->end ? 0 : -ENAMETOOLONG;
}

static int make_old_name(char name[PATH_MAX], unsigned number)
{
	struct lm_text text = begin_name(name, LM_TRACE_OLD);

	lm_text_unsigned(&text, number);
	return end_name(&text);
}

static int make_former_name(char name[PATH_MAX])
{
	struct lm_text text = begin_name(name, LM_TRACE_FORMER);

	return end_name(&text);
}

static int make_kept_name(char name[PATH_MAX], const char *suffix)
{
	struct lm_text text = begin_name(name, ".");

	lm_text_string(&text, suffix);
	return end_name(&text);
}

static int rename_file(const char *from, const char *to, unsigned flags)
{
	return (int)lm_sys(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* The names of the older files move on by one, so that the first is free. */
static void shift(struct names *names)
{
	for (unsigned number = lm_settings.keep; number > 1; number--) {
		make_old_name(names->target, number);
		make_old_name(names->from, number - 1);
		rename_file(names->from, names->target, 0);
	}
	make_old_name(names->target, 1);
}

/*
 * The next file gets the trace's name, and the trace that of TARGET. Where a file system can't exchange names, a second
 * name comes first; where it knows none, the trace has no name for a moment. 0, or -errno.
 */
static int exchange(const char *target)
{
	int error = rename_file(rotate.next, rotate.path, EXCHANGE);

	if (!error) {
		rename_file(rotate.next, target, 0);
		return 0;
	}
	if (error != -EINVAL && error != -ENOSYS)
		return error;
	error = (int)lm_sys(SYS_linkat, AT_FDCWD, rotate.path, AT_FDCWD, target, 0);
	if (error)
		error = rename_file(rotate.path, target, 0);
	return error ? error : rename_file(rotate.next, rotate.path, 0);
}

/* Does the trace's name still lead to the file that we write to? */
static int is_named(int fd)
{
	struct stat file, named;

	return fstat(fd, &file) == 0 && lstat(rotate.path, &named) == 0 && file.st_dev == named.st_dev &&
	       file.st_ino == named.st_ino;
}

/* ---- one new file ---- */

static int trace_fd;

static void find_trace(void)
{
	if (lm_target_kind(&trace_fd) != LM_TARGET_FILE)
		trace_fd = -1;
}

/* Makes room for the name that the trace gets. SUFFIX: as for lm_rotate_keep(), or NULL. */
static int make_room(struct names *names, const char *suffix)
{
	struct stat status;
	int error;

	if (!suffix) {
		error = make_old_name(names->target, lm_settings.keep);
		return error ? error : lm_earlier_remove(names->target, rotate.path);
	}
	error = make_kept_name(names->target, suffix);
	return !error && lstat(names->target, &status) == 0 ? -EEXIST : error;
}

/* Writes the next file. 0, or -errno. */
static int write_next(void)
{
	int result, error;

	lm_sink_divert(1);
	result = lm_renew_write((uint64_t)rotate.parent);
	if (!result)
		result = lm_marks_missed(lm_live_missed());
	lm_sink_divert(0);
	error = lm_next_finish();
	if (!error && result)
		error = -ENOMEM;
	/* The lock would be gone if another descriptor of the file was closed later. */
	return !error && lm_owner_claim(lm_next_file()->fd, NULL) != 0 ? -EBUSY : error;
}

/* Gives the next file the trace's name. 0, or -errno. */
static int take_place(struct names *names, const char *suffix)
{
	if (lm_marks_continued() != 0)
		return lm_sink_error() ? lm_sink_error() : -EIO;
	if (!suffix)
		shift(names);
	return exchange(names->target);
}

static int go_on_in_next(struct names *names, const char *suffix)
{
	int error;

	lm_direct_locked(find_trace);
	if (trace_fd < 0 || !is_named(trace_fd))
		return -ENOENT;
	error = make_room(names, suffix);
	if (!error && lm_marks_lost_first() != 0)
		error = lm_sink_error() ? lm_sink_error() : -EIO;
	if (!error)
		error = lm_next_begin(rotate.next, trace_fd, lm_settings.limit / 2);
	if (error)
		return error;
	error = write_next();
	if (!error)
		error = take_place(names, suffix);
	if (error)
		lm_next_drop();
	return error;
}

static void went_on(uint64_t size)
{
	lm_sink_move();
	lm_limit_renew(size);
	lm_sample_renew();
	lm_live_go_on();
	rotate.is_limited = 0;
}

/* In phase HELD, with the lock of live.h. 0, or -errno. */
static int go_on(const char *suffix)
{
	struct names *names;
	int error, saved = errno;

	if (lm_live_is_incomplete())
		return -ENOMEM;
	names = lm_sys_map(sizeof *names);
	if (!names)
		return -ENOMEM;
	error = go_on_in_next(names, suffix);
	lm_sys_unmap(names, sizeof *names);
	if (!error)
		went_on(lm_next_size());
	errno = saved;
	return error;
}

/* ---- when none can be begun ---- */

static void tell_size(uint64_t bytes)
{
	char buffer[LM_WARN_SHORT];
	struct lm_text text = lm_warn_begin(buffer, sizeof buffer);

	if (lm_exchange(&rotate.is_size_told, 1))
		return;
	lm_text_string(&text, "what is live takes ");
	lm_text_unsigned(&text, bytes);
	lm_text_string(&text, " bytes of a trace whose limit is ");
	lm_text_unsigned(&text, lm_settings.limit);
	lm_text_string(&text, "; it takes no more allocations until less is live. Its limit should be ");
	lm_text_unsigned(&text, 4 * bytes);
	lm_warn_end(buffer, &text);
}

static void tell(int error)
{
	if (error == -EOVERFLOW)
		tell_size(lm_next_size());
	else if (!lm_exchange(&rotate.is_told, 1))
		lm_warn("the trace has reached its limit, and takes no more allocations until it can go on in a new "
		        "file",
		        -error);
}

/* The trace keeps its size as well as it can. If too much is live, it has to be less: a little would not help. */
static void failed(int error)
{
	const size_t blocks = lm_live_count();

	if (error == -EOVERFLOW) {
		lm_live_set_full(blocks - blocks / 8);
		lm_limit_retry(UINT64_MAX);
	} else {
		lm_live_set_full(0);
		lm_limit_retry(lm_sample_now() + RETRY_MS);
	}
	if (!rotate.is_limited)
		rotate.is_limited = lm_marks_limit_first(lm_settings.limit) == 0;
	tell(error);
}

/* ---- what may ask for one ---- */

/* SUFFIX: as for lm_rotate_keep(); NULL: the file has its size, if it still has when it is this thread's turn. */
static int rotate_now(const char *suffix)
{
	struct lm_signals around, signals;
	int error;

	lm_live_lock(&around);
	error = suffix || lm_limit_is_due(lm_sample_now()) ? lm_sink_pause(&signals) : -EALREADY;
	if (!error) {
		error = go_on(suffix);
		if (error && !suffix)
			failed(error);
		lm_sink_go_on(&signals);
	} else if (error == -EAGAIN && !suffix)
		lm_limit_retry(lm_sample_now() + RETRY_MS);
	lm_live_unlock(&around);
	return error;
}

void lm_rotate_in_time(void)
{
	if (lm_live_is_kept() && lm_process_is_owner())
		rotate_now(NULL);
}

void lm_rotate_for_end(void)
{
	struct lm_signals around, signals;

	if (!lm_live_is_kept() || !lm_process_is_owner() || lm_limit_has_room(lm_marks_end_size()))
		return;
	lm_live_lock(&around);
	if (lm_sink_pause(&signals) == 0) {
		go_on(NULL);
		lm_sink_go_on(&signals);
	}
	lm_live_unlock(&around);
}

int lm_rotate_keep(const char *suffix)
{
	return lm_live_is_kept() && lm_process_is_owner() ? rotate_now(suffix) : -ENOTSUP;
}

/* ---- the beginning ---- */

/* A file that somebody else began is not given another name. */
static const char *find_path(int fd, int is_continued)
{
	uint64_t size;

	if (!lm_target_is_alone(fd) || lm_target_size(&size) != 0 || (size && !is_continued))
		return NULL;
	return lm_descriptor_path(fd);
}

static const char *make_next_name(void)
{
	size_t length = __builtin_strlen(rotate.path);
	char *next;

	next = lm_arena_alloc(length + sizeof LM_TRACE_NEXT);
	if (next) {
		__builtin_memcpy(next, rotate.path, length);
		__builtin_memcpy(next + length, LM_TRACE_NEXT, sizeof LM_TRACE_NEXT);
	}
	rotate.next = next;
	return next;
}

/* The trace of an earlier run becomes the youngest of the older files. If that can't be, it keeps the name it has. */
static void take_former(void)
{
	struct names *names = lm_sys_map(sizeof *names);

	if (!names)
		return;
	if (make_former_name(names->from) == 0 && lm_earlier_is_put_aside(names->from, rotate.path) &&
	    make_room(names, NULL) == 0) {
		shift(names);
		make_former_name(names->from);
		rename_file(names->from, names->target, 0);
	}
	lm_sys_unmap(names, sizeof *names);
}

void lm_rotate_begin(int fd, uint64_t size, int is_continued, long parent)
{
	const int is_wanted = lm_settings.limit && lm_settings.sample;
	int saved = errno;

	rotate.path = is_wanted || !is_continued ? find_path(fd, is_continued) : NULL;
	rotate.parent = parent;
	if (rotate.path && is_wanted && !is_continued)
		take_former();
	if (rotate.path && !is_continued)
		lm_earlier_remove_all(rotate.path, is_wanted ? lm_settings.keep : 0);
	if (is_wanted && rotate.path && make_next_name()) {
		lm_sink_set_direct();
		lm_limit_renew(size);
		lm_live_begin();
	} else if (is_wanted) {
		lm_warn("at its limit, the trace takes no more allocations: it is no file of its own with a name, "
		        "which could go on in a new one",
		        0);
	}
	errno = saved;
}

void lm_rotate_forget(void)
{
	__builtin_memset(&rotate, 0, sizeof rotate);
	lm_live_forget();
}
