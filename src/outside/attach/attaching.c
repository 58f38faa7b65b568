/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See attaching.h. */
#include "attaching.h"
#include "attach.h"
#include "carry.h"
#include "loaded.h"
#include "memory.h"
#include "moment.h"
#include "refused.h"
#include "remote.h"
#include "scope.h"
#include "takeover.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- reasons ----------------------------------------------------------------------- */

static int fail(struct attaching *attaching, int error, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The first reason stays: what fails behind it follows from it. */
static int fail(struct attaching *attaching, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!*attaching->reason)
		vsnprintf(attaching->reason, sizeof attaching->reason, fmt, args);
	va_end(args);
	return error;
}

/* BUSY: where a thread was, if that is the reason. */
static int no_moment(struct attaching *attaching, int error, uint64_t busy)
{
	if (error == -EBUSY)
		return fail(attaching, error,
		            "for some seconds there was no moment without a thread inside the allocator or the loader "
		            "(at 0x%" PRIx64 "): try again later",
		            busy);
	if (error == -ENOENT)
		return fail(attaching, error,
		            "process %d has no list of loaded libraries: its program does not get as far as to run, or "
		            "has a loader that is not known here",
		            (int)attaching->pid);
	refused_text(attaching->reason, sizeof attaching->reason, attaching->pid, -error);
	return error;
}

/* ---- what is in the process ----------------------------------------------------------- */

/* So often, every 10 ms, it is tried to read it. */
enum { TRIES = 300 };

struct view {
	struct regions regions;
	struct loaded_list loaded;
};

static void view_free(struct view *view)
{
	loaded_free(&view->loaded);
	regions_free(&view->regions);
}

/* The main thread can have ended, and another one can end at any time. */
static void find_thread(struct attaching *attaching)
{
	const pid_t thread = stop_find_thread(attaching->pid);

	attaching->thread = thread ? thread : attaching->pid;
}

static int try_to_read(struct view *view, pid_t pid)
{
	int error;

	*view = (struct view){.regions = {0}};
	error = regions_read(&view->regions, pid);
	if (!error)
		error = loaded_read(&view->loaded, pid, &view->regions);
	if (error)
		view_free(view);
	return error;
}

/* Reads it while the process runs. Its program can be about to start, and its loader can be at work. */
static int view_read(struct view *view, struct attaching *attaching)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	int error;

	find_thread(attaching);
	error = try_to_read(view, attaching->thread);
	for (int i = 0; i < TRIES && moment_may_pass(error); i++) {
		nanosleep(&pause, NULL);
		find_thread(attaching);
		error = try_to_read(view, attaching->thread);
	}
	return error ? no_moment(attaching, error, 0) : 0;
}

static bool is_from_us(const struct loaded *tracker)
{
	return strncmp(tracker->name, LM_ATTACH_LOADED, sizeof LM_ATTACH_LOADED - 1) == 0;
}

int attaching_state(struct attaching *attaching, enum attaching_state *state)
{
	const struct loaded *tracker;
	struct takeover_names names = {.count = 0};
	struct takeover_found none = {.count = 0};
	struct view view;
	int error = view_read(&view, attaching);
	bool is_done;

	*state = ATTACHING_NONE;
	if (error)
		return error;
	tracker = loaded_tracker(&view.loaded);
	if (tracker)
		error = takeover_names_loaded(&names, tracker);
	if (tracker && !error) {
		takeover_find(&names, &view.loaded);
		is_done = takeover_is_done(&names, &view.loaded);
		if (is_from_us(tracker))
			*state = is_done ? ATTACHING_ATTACHED : ATTACHING_IDLE;
		else
			*state = is_done ? ATTACHING_PRELOADED : ATTACHING_LOADED;
	}
	takeover_free(&names, &none);
	view_free(&view);
	return error ? fail(attaching, error, "%s", strerror(-error)) : 0;
}

/* ---- calls in the process --------------------------------------------------------------- */

static int begin_calls(struct remote *remote, struct attaching *attaching, struct moment *moment)
{
	const struct loaded *libc = loaded_libc(&moment->loaded);
	const struct region *code = NULL;
	int error;

	for (size_t i = 0; libc && !code && i < moment->regions.count; i++) {
		const struct region *region = &moment->regions.items[i];

		if (region->executable && loaded_at(&moment->loaded, region->start) == libc)
			code = region;
	}
	if (!code)
		return fail(attaching, -ENOENT, "process %d has a C library that is not known here",
		            (int)attaching->pid);
	error = remote_begin(remote, &moment->stop, code->start, code->end - code->start);
	return error ? fail(attaching, error, "no thread of process %d can be made to load the library: %s",
	                    (int)attaching->pid, strerror(-error))
	             : 0;
}

static int call(struct remote *remote, struct attaching *attaching, uint64_t function, uint64_t first, uint64_t second,
                uint64_t *result)
{
	const uint64_t arguments[MACHINE_ARGUMENTS] = {first, second};
	int error = remote_call(remote, function, arguments, result);

	if (error == -ETIMEDOUT)
		return fail(attaching, error, "process %d has a lock that a call in it waits for in vain",
		            (int)attaching->pid);
	return error ? fail(attaching, error, "process %d ended, or could not be made to call a function: %s",
	                    (int)attaching->pid, strerror(-error))
	             : 0;
}

/* Text that dlerror() has in the process. */
static void fetch_dlerror(struct remote *remote, struct attaching *attaching, const struct loaded_list *list,
                          char *text, size_t size)
{
	const uint64_t function = loaded_find(list, "dlerror", NULL);
	uint64_t at = 0;

	snprintf(text, size, "its loader does not say why");
	if (function && call(remote, attaching, function, 0, 0, &at) == 0 && at)
		memory_read_string(attaching->thread, at, text, size);
	text[size - 1] = '\0';
}

/* ---- loading ------------------------------------------------------------------------------ */

/* glibc's older versions have dlopen() in a library that need not be there. */
static uint64_t find_dlopen(const struct loaded_list *list, uint64_t *mode)
{
	static const uint64_t internal = 0x80000000;
	uint64_t function = loaded_find(list, "dlopen", NULL);

	*mode = RTLD_NOW | RTLD_GLOBAL;
	if (function)
		return function;
	*mode |= internal;
	return loaded_find(list, "__libc_dlopen_mode", NULL);
}

/*
 * Loads what the process has as descriptor FD. The name is one that no program uses for a library of its own: the
 * loader would take that for this one. HANDLE is 0 if the loader refused.
 */
static int load(struct remote *remote, struct attaching *attaching, const struct loaded_list *list, int fd,
                uint64_t *handle)
{
	const uint64_t room = remote_room(remote);
	uint64_t mode, function = find_dlopen(list, &mode);
	char path[64];
	int error;

	if (!function)
		return fail(attaching, -ENOENT, "process %d has no dlopen()", (int)attaching->pid);
	snprintf(path, sizeof path, LM_ATTACH_LOADED "./%d", fd);
	error = memory_write(attaching->thread, room, path, sizeof path);
	return error ? fail(attaching, error, "%s", strerror(-error))
	             : call(remote, attaching, function, room, mode, handle);
}

/* A copy of the library in memory: its own file can be where nothing may be executed, or unreadable for the process. */
static int copy_library(int library)
{
	int copy = memfd_create("liblog-malloc2.so", MFD_CLOEXEC);
	struct stat st;
	off_t at = 0;

	if (copy < 0 || fstat(library, &st) != 0)
		return copy;
	while (at < st.st_size && sendfile(copy, library, &at, (size_t)(st.st_size - at)) > 0)
		;
	fchmod(copy, 0555);
	return copy;
}

/* The process gets FILE and loads it. 0 with HANDLE; -errno if that is not possible. */
static int carry_and_load(struct remote *remote, struct attaching *attaching, const struct loaded_list *list, int file,
                          uint64_t *handle)
{
	int theirs, error = carry(remote, &file, 1, &theirs);

	*handle = 0;
	if (error)
		return fail(attaching, error, "process %d can't be given a descriptor: %s", (int)attaching->pid,
		            strerror(-error));
	error = load(remote, attaching, list, theirs, handle);
	carry_close(remote, theirs);
	return error;
}

static int load_library(struct remote *remote, struct attaching *attaching, const struct loaded_list *list)
{
	char why[256];
	uint64_t handle;
	int copy, error = carry_and_load(remote, attaching, list, attaching->library, &handle);

	if (error || handle)
		return error;
	fetch_dlerror(remote, attaching, list, why, sizeof why);
	copy = copy_library(attaching->library);
	if (copy >= 0) {
		error = carry_and_load(remote, attaching, list, copy, &handle);
		close(copy);
	}
	if (error || handle)
		return error;
	return fail(attaching, -ENOEXEC, "process %d can't load the library: %s%s", (int)attaching->pid, why,
	            strstr(why, strerror(ENOENT)) ? " (it needs /proc, which seems not to be mounted for it)" : "");
}

/* musl puts a library that it has into its order again if it is asked for the same file. */
static int check_same_file(struct attaching *attaching, const struct moment *moment, const struct loaded *tracker)
{
	const struct region *region = regions_find(&moment->regions, tracker->dynamic);
	struct stat st;

	if (region && fstat(attaching->library, &st) == 0 && st.st_ino == region->inode)
		return 0;
	return fail(attaching, -EEXIST,
	            "process %d has another build of the library from an earlier time: use that one",
	            (int)attaching->pid);
}

/* The library gets into the process, or is there already. The moment can be over when it is loaded. */
static int ensure_library(struct attaching *attaching, struct moment *moment)
{
	const struct loaded *tracker = loaded_tracker(&moment->loaded), *libc = loaded_libc(&moment->loaded);
	struct remote remote;
	int error = 0, failed;

	attaching->library_was_in = tracker != NULL;
	if (tracker && libc && libc->is_musl)
		error = check_same_file(attaching, moment, tracker);
	if (error || (tracker && libc && !libc->is_musl))
		return error;
	error = begin_calls(&remote, attaching, moment);
	if (error)
		return error;
	error = load_library(&remote, attaching, &moment->loaded);
	failed = remote_end(&remote);
	if (!error && failed)
		error = fail(attaching, failed, "process %d ended meanwhile", (int)attaching->pid);
	if (!error)
		error = moment_read_again(moment);
	if (!error && remote.others_ran)
		error = moment_find_again(moment);
	if (!error && !loaded_tracker(&moment->loaded))
		error = fail(attaching, -ENOENT, "process %d has loaded the library into another namespace",
		             (int)attaching->pid);
	return error;
}

/* ---- tracing ------------------------------------------------------------------------------- */

/*
 * Does a search by the process find our malloc()? Or the stub of a program that is not position independent, which
 * leads to us when its calls are taken over. Without dlsym(), that is not known.
 */
static bool finds_ours(struct remote *remote, struct attaching *attaching, const struct moment *moment)
{
	const struct loaded *tracker = loaded_tracker(&moment->loaded), *program = &moment->loaded.items[0];
	const uint64_t function = loaded_find(&moment->loaded, "dlsym", NULL), room = remote_room(remote);
	uint64_t found = 0;

	if (!function || memory_write(attaching->thread, room, "malloc", sizeof "malloc") != 0 ||
	    call(remote, attaching, function, (uint64_t)(uintptr_t)RTLD_DEFAULT, room, &found) != 0)
		return false;
	return found == loaded_address(tracker, loaded_define(tracker, "malloc")) ||
	       (loaded_at(&moment->loaded, found) == program && !loaded_define(program, "malloc"));
}

/* The library comes to the front of the loader's order, or stays where it is. */
static void order_scope(struct remote *remote, struct attaching *attaching, const struct moment *moment,
                        const struct scope_end *end)
{
	if (scope_to_front(&moment->loaded, end) != 0)
		return;
	attaching->sees_later = finds_ours(remote, attaching, moment);
	if (!attaching->sees_later)
		scope_to_back(&moment->loaded);
}

/* Calls the library's function NAME with ORDER. */
static int call_library(struct remote *remote, struct attaching *attaching, const struct moment *moment,
                        const char *name, const struct lm_attach *order)
{
	const struct loaded *tracker = loaded_tracker(&moment->loaded);
	const Elf64_Sym *symbol = tracker ? loaded_define(tracker, name) : NULL;
	const uint64_t room = remote_room(remote);
	uint64_t result = 0;
	int error;

	if (!symbol)
		return fail(attaching, -ENOENT, "the library in process %d has no %s()", (int)attaching->pid, name);
	error = memory_write(attaching->thread, room, order, sizeof *order);
	if (error)
		return fail(attaching, error, "%s", strerror(-error));
	error = call(remote, attaching, loaded_address(tracker, symbol), room, 0, &result);
	if (!error && (int32_t)result < 0)
		error = fail(attaching, (int32_t)result, "the library in process %d: %s", (int)attaching->pid,
		             strerror(-(int32_t)result));
	return error;
}

/* What glibc's allocator has handed out, if it is the process's and can tell. It goes through its free blocks. */
static uint64_t count_before(struct remote *remote, struct attaching *attaching, const struct loaded_list *list)
{
	/* Of struct mallinfo2, ten numbers. */
	enum { NUMBERS = 10, MAPPED = 4, IN_USE = 7 };
	const uint64_t room = remote_room(remote);
	const struct loaded *allocator = NULL, *teller = NULL;
	uint64_t function = loaded_find(list, "mallinfo2", &teller), numbers[NUMBERS], ignored;

	if (!function || !loaded_find(list, "malloc", &allocator) || allocator != teller ||
	    call(remote, attaching, function, room, 0, &ignored) != 0 ||
	    memory_read(attaching->thread, room, numbers, sizeof numbers) != sizeof numbers)
		return UINT64_MAX;
	return numbers[MAPPED] + numbers[IN_USE];
}

static int begin_trace(struct remote *remote, struct attaching *attaching, const struct moment *moment)
{
	const int ours[] = {attaching->trace, attaching->journal};
	struct lm_attach order = {.version = LM_ATTACH_VERSION, .before_bytes = UINT64_MAX};
	int theirs[2], error;

	if (attaching->settings_size > sizeof order.settings)
		return fail(attaching, -E2BIG, "the settings are too long");
	error = carry(remote, ours, 2, theirs);
	if (error)
		return fail(attaching, error, "process %d can't be given a descriptor: %s", (int)attaching->pid,
		            strerror(-error));
	order.before_bytes = count_before(remote, attaching, &moment->loaded);
	order.trace = theirs[0];
	order.journal = theirs[1];
	order.settings_size = (uint32_t)attaching->settings_size;
	memcpy(order.settings, attaching->settings, attaching->settings_size);
	return call_library(remote, attaching, moment, LM_ATTACH_BEGIN, &order);
}

/* Takes the calls over in a process whose trace has begun. If that fails, all is given back. */
static int take_over(struct remote *remote, struct attaching *attaching, const struct moment *moment,
                     struct takeover_names *names, const struct takeover_found *found)
{
	const struct lm_attach end = {.version = LM_ATTACH_VERSION, .trace = -1, .journal = -1};
	struct takeover_count count, back;
	int error;

	takeover_find(names, &moment->loaded);
	error = takeover(names, found, &moment->loaded, true, &count);
	attaching->slots = count.slots;
	attaching->pointers = count.pointers;
	if (!error && !count.slots && !count.pointers)
		error = -ENOENT;
	if (!error)
		return 0;
	fail(attaching, error, "the calls of process %d can't be taken over: %s", (int)attaching->pid,
	     error == -ENOENT ? "no call of an allocator was found" : strerror(-error));
	takeover(names, found, &moment->loaded, false, &back);
	scope_to_back(&moment->loaded);
	call_library(remote, attaching, moment, LM_ATTACH_END, &end);
	return error;
}

static int begin_stopped(struct attaching *attaching, struct moment *moment, struct takeover_names *names,
                         const struct takeover_found *found)
{
	struct scope_end end;
	struct remote remote;
	int error, failed;

	scope_read_end(&end, &moment->loaded);
	error = ensure_library(attaching, moment);
	if (!error)
		error = begin_calls(&remote, attaching, moment);
	if (error)
		return error;
	error = begin_trace(&remote, attaching, moment);
	if (!error) {
		order_scope(&remote, attaching, moment, &end);
		error = take_over(&remote, attaching, moment, names, found);
	}
	failed = remote_end(&remote);
	if (!error && failed)
		error = fail(attaching, failed, "process %d ended meanwhile", (int)attaching->pid);
	return error;
}

/* ---- both ends ------------------------------------------------------------------------------ */

static uint64_t ns_since(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec - since->tv_sec) * 1000000000 + now.tv_nsec - since->tv_nsec);
}

/* The tracker was there when the process was looked at before. */
static int has_executed(struct attaching *attaching)
{
	return fail(attaching, -ESRCH, "process %d has just executed another program, which is not traced",
	            (int)attaching->pid);
}

typedef int (*stopped_job)(struct attaching *attaching, struct moment *moment, struct takeover_names *names,
                           const struct takeover_found *found);

/* Does JOB in a process that stands still at a good moment. */
static int in_moment(struct attaching *attaching, struct takeover_names *names, const struct takeover_found *found,
                     stopped_job job)
{
	struct moment moment;
	int error = moment_find(&moment, attaching->thread);

	if (error)
		return no_moment(attaching, error, moment.busy);
	error = job(attaching, &moment, names, found);
	moment_end(&moment);
	attaching->stood_ns = ns_since(&moment.since);
	if (error)
		fail(attaching, error, "process %d: %s", (int)attaching->pid, strerror(-error));
	return error;
}

/* NAMES, and pointers to these functions in the process while it runs, then JOB. */
static int prepare_and_do(struct attaching *attaching, bool to_ours, stopped_job job)
{
	struct takeover_names names = {.count = 0};
	struct takeover_found found = {.count = 0};
	const struct loaded *tracker;
	struct view view;
	int error = view_read(&view, attaching);

	if (error)
		return error;
	tracker = loaded_tracker(&view.loaded);
	if (to_ours)
		error = takeover_names(&names, attaching->library);
	else
		error = tracker ? takeover_names_loaded(&names, tracker) : has_executed(attaching);
	if (!error) {
		takeover_find(&names, &view.loaded);
		error = takeover_search(&found, &names, &view.loaded, &view.regions, to_ours);
	}
	view_free(&view);
	if (error)
		fail(attaching, error, error == -EINVAL ? "the library's file is no library" : "%s", strerror(-error));
	else
		error = in_moment(attaching, &names, &found, job);
	takeover_free(&names, &found);
	return error;
}

int attaching_begin(struct attaching *attaching)
{
	return prepare_and_do(attaching, true, begin_stopped);
}

static int end_stopped(struct attaching *attaching, struct moment *moment, struct takeover_names *names,
                       const struct takeover_found *found)
{
	const struct lm_attach order = {.version = LM_ATTACH_VERSION, .trace = -1, .journal = -1};
	struct takeover_count count = {.slots = 0};
	struct remote remote;
	int error, failed;

	if (!loaded_tracker(&moment->loaded))
		return has_executed(attaching);
	takeover_find(names, &moment->loaded);
	error = begin_calls(&remote, attaching, moment);
	if (error)
		return error;
	error = takeover(names, found, &moment->loaded, false, &count);
	scope_to_back(&moment->loaded);
	attaching->slots = count.slots;
	attaching->pointers = count.pointers;
	if (!error)
		error = call_library(&remote, attaching, moment, LM_ATTACH_END, &order);
	failed = remote_end(&remote);
	if (!error && failed)
		error = fail(attaching, failed, "process %d ended meanwhile", (int)attaching->pid);
	return error;
}

int attaching_end(struct attaching *attaching)
{
	return prepare_and_do(attaching, false, end_stopped);
}
