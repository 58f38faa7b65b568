/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See children_watch.h. */
#include "children_watch.h"
#include "array.h"
#include "children.h"
#include "clock.h"
#include "destination.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	/* Where the kernel does not tell, the directory is searched so often. */
	SEARCH_MS = 1000,
	/* The kernel keeps 16384 events, unless it was told otherwise. With long names, they are so many reads at most.
	 */
	READS_MAX = 128,
};

/* A name that a trace has, or can have. */
struct child_trace {
	char *path;
	bool has_changed;
	/* The file that has the name is not to be followed: it is the command's own trace, or was there before. */
	struct file_id passed;
	struct watched *trace; /* stays where it is; NULL: none yet */
};

/* ---- names ----------------------------------------------------------------------- */

static bool is_path(const void *owner, uint32_t place, const void *key)
{
	return strcmp(((const struct children_watch *)owner)->list[place].path, key) == 0;
}

static struct child_trace *add(struct children_watch *watch, const char *path, uint64_t hash)
{
	struct child_trace *grown = array_grow(watch->list, &watch->room, watch->count + 1, sizeof *grown);
	char *copy = grown ? strdup(path) : NULL;

	if (grown)
		watch->list = grown;
	if (!copy || hash_add(&watch->by_name, hash, (uint32_t)watch->count) != 0) {
		free(copy);
		return NULL;
	}
	grown[watch->count] = (struct child_trace){.path = copy};
	return &grown[watch->count++];
}

/* What is known of the trace PATH. NULL: it can be none of a child, or there is no memory. */
static struct child_trace *find(struct children_watch *watch, const char *path)
{
	const uint64_t hash = hash_bytes(path, strlen(path));
	const uint32_t place = hash_find(&watch->by_name, hash, is_path, watch, path);

	if (place != HASH_NONE)
		return &watch->list[place];
	return children_process(watch->to, path) ? add(watch, path, hash) : NULL;
}

/* ---- what has changed -------------------------------------------------------------- */

static void note(struct children_watch *watch, const char *path)
{
	struct child_trace *child = find(watch, path);
	uint32_t *grown;

	if (!child || child->has_changed)
		return;
	grown = array_grow(watch->changed, &watch->changed_room, watch->changed_count + 1, sizeof *grown);
	if (!grown)
		return;
	watch->changed = grown;
	watch->changed[watch->changed_count++] = (uint32_t)(child - watch->list);
	child->has_changed = true;
}

static void note_event(struct children_watch *watch, const struct inotify_event *event)
{
	char path[PATH_MAX];

	if (event->mask & IN_Q_OVERFLOW)
		watch->has_overflown = true;
	else if (event->len && snprintf(path, sizeof path, "%s%s", watch->directory, event->name) < PATH_MAX)
		note(watch, path);
}

/* Of a file that has changed, however often, one event is enough. */
static void note_events(struct children_watch *watch)
{
	union {
		struct inotify_event event;
		char bytes[1 << 16];
	} room;

	for (int reads = 0; watch->notify >= 0 && reads < READS_MAX; reads++) {
		const ssize_t n = read(watch->notify, room.bytes, sizeof room.bytes);

		if (n <= 0)
			break;
		for (const char *at = room.bytes; at < room.bytes + n;) {
			const struct inotify_event *event = (const struct inotify_event *)(const void *)at;

			note_event(watch, event);
			at += sizeof *event + event->len;
		}
	}
}

static void note_all(struct children_watch *watch)
{
	glob_t names;

	watch->has_overflown = false;
	watch->searched = clock_ms();
	if (children_find(watch->to, &names) != 0)
		return;
	for (size_t i = 0; i < names.gl_pathc; i++)
		note(watch, names.gl_pathv[i]);
	globfree(&names);
}

/* ---- looking ------------------------------------------------------------------------ */

static struct watched *make_trace(const struct children_watch *watch, const char *path, pid_t pid)
{
	struct watched *trace = calloc(1, sizeof *trace);

	if (trace)
		*trace = (struct watched){
			.path = path, .pid = pid, .keeps = watch->keeps, .since = watch->since, .fired.fd = -1};
	return trace;
}

/* Is the file that has CHILD's name a child's trace by now? It may have no line yet. */
static bool is_begun(const struct children_watch *watch, struct child_trace *child)
{
	const struct file_id file = file_id_at(child->path), commands = file_id_at(watch->to->path);
	struct destination opened;
	pid_t pid;

	if (file_id_is_same(&file, &child->passed))
		return false;
	if (file_id_is_same(&file, &commands)) {
		child->passed = file;
		return false;
	}
	pid = children_open(&opened, watch->to, child->path, watch->since);
	if (!pid)
		return false;
	close(opened.fd);
	child->trace = make_trace(watch, child->path, pid);
	return child->trace != NULL;
}

void children_watch_look(struct children_watch *watch, const struct watched_report *report, bool is_last)
{
	if (!watch->to)
		return;
	note_events(watch);
	if (watch->has_overflown || (watch->notify < 0 && (is_last || clock_ms() - watch->searched >= SEARCH_MS)))
		note_all(watch);
	for (size_t i = 0; i < watch->changed_count; i++) {
		struct child_trace *child = &watch->list[watch->changed[i]];

		child->has_changed = false;
		if (child->trace || is_begun(watch, child))
			watched_look(child->trace, report);
	}
	watch->changed_count = 0;
}

/* ---- the beginning -------------------------------------------------------------------- */

/* The directory of the children's traces, with a slash behind it. NULL: it depends on the process; or no memory. */
static char *find_directory(const struct destination *to)
{
	const char *slash = strrchr(to->childrens, '/');
	char *pattern = slash ? strndup(to->childrens, (size_t)(slash + 1 - to->childrens)) : NULL, *directory = NULL;
	struct destination name = {.kind = DESTINATION_FILE, .name = pattern};

	if (pattern && !strstr(pattern, "%p") && destination_name(&name, 0) == 0)
		directory = strdup(name.path);
	free(pattern);
	return directory;
}

static void pass_over_what_is_there(struct children_watch *watch)
{
	note_all(watch);
	for (size_t i = 0; i < watch->changed_count; i++) {
		struct child_trace *child = &watch->list[watch->changed[i]];

		child->has_changed = false;
		child->passed = file_id_at(child->path);
	}
	watch->changed_count = 0;
}

void children_watch_begin(struct children_watch *watch, const struct destination *to, const struct timespec *since,
                          bool keeps)
{
	*watch = (struct children_watch){.to = to, .since = since, .keeps = keeps, .notify = -1};
	watch->directory = find_directory(to);
	if (watch->directory)
		watch->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->notify >= 0 && inotify_add_watch(watch->notify, watch->directory, IN_MODIFY | IN_MOVED_TO) < 0)
		children_watch_close(watch);
	pass_over_what_is_there(watch);
}

void children_watch_close(struct children_watch *watch)
{
	if (watch->to && watch->notify >= 0)
		close(watch->notify);
	watch->notify = -1;
}
