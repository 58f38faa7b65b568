/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * See cgroup.h. /proc/self/cgroup has the group's path, from the root that the process sees; /proc/self/mountinfo has
 * the directory where groups are mounted, and which group is the mount's root. Format: cgroups(7), proc(5).
 */
#include "cgroup.h"

#include <limits.h>

#include "arena.h"
#include "sys.h"
#include "text.h"
#include "whole.h"

/* The two versions: the type of their mounts, and their files. */
static const struct version {
	const char *type, *used, *limit;
} versions[] = {{"cgroup2", "/memory.current", "/memory.max"},
                {"cgroup", "/memory.usage_in_bytes", "/memory.limit_in_bytes"}};

static const char controller[] = "memory";

/* A part of a text. */
struct part {
	const char *at;
	size_t length;
};

static int is_word(struct part part, const char *word)
{
	return part.length == __builtin_strlen(word) && __builtin_memcmp(part.at, word, part.length) == 0;
}

/* Cuts off and returns what is in front of the next END, or all. */
static struct part cut(struct part *rest, char end)
{
	const char *found = rest->length ? __builtin_memchr(rest->at, end, rest->length) : NULL;
	struct part first = {rest->at, found ? (size_t)(found - rest->at) : rest->length};

	rest->at += first.length + (found != NULL);
	rest->length -= first.length + (found != NULL);
	return first;
}

/* Is WORD one of those in LIST, which have commas in between? */
static int has_word(struct part list, const char *word)
{
	while (list.length) {
		if (is_word(cut(&list, ','), word))
			return 1;
	}
	return 0;
}

/* "hierarchy:controllers:path". Version 2 has no controllers there. */
static int find_path(struct part text, const struct version *version, struct part *path)
{
	while (text.length) {
		struct part line = cut(&text, '\n'), controllers;

		cut(&line, ':');
		controllers = cut(&line, ':');
		*path = line;
		if (version == &versions[0] ? !controllers.length : has_word(controllers, controller))
			return 0;
	}
	return -1;
}

/* "id parent device root point options... - type source super-options" */
static int find_mount(struct part text, const struct version *version, struct part *root, struct part *point)
{
	while (text.length) {
		struct part line = cut(&text, '\n'), type;

		for (int i = 0; i < 3; i++)
			cut(&line, ' ');
		*root = cut(&line, ' ');
		*point = cut(&line, ' ');
		while (line.length && !is_word(cut(&line, ' '), "-"))
			;
		type = cut(&line, ' ');
		cut(&line, ' ');
		if (is_word(type, version->type) && (version == &versions[0] || has_word(line, controller)))
			return 0;
	}
	return -1;
}

/* Blanks and so on are \ooo in mountinfo. */
static void put_unescaped(struct lm_text *text, struct part part)
{
	for (size_t i = 0; i < part.length; i++) {
		const char *at = part.at + i;

		if (*at == '\\' && part.length - i > 3) {
			lm_text_char(text, (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0')));
			i += 3;
		} else {
			lm_text_char(text, *at);
		}
	}
}

/* Removes ROOT from the beginning of PATH. A path that is not below ROOT is not seen here: what is mounted is nearest.
 */
static void cut_root(struct part *path, struct part root)
{
	if (is_word(root, "/"))
		root.length = 0;
	if (path->length >= root.length && __builtin_memcmp(path->at, root.at, root.length) == 0) {
		path->at += root.length;
		path->length -= root.length;
	} else {
		path->length = 0;
	}
	if (is_word(*path, "/"))
		path->length = 0;
}

int lm_cgroup_number(const char *path, uint64_t *number)
{
	char text[32];
	int fd = lm_sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	long n;

	if (fd < 0)
		return fd;
	n = lm_sys_read_full(fd, text, sizeof text - 1);
	lm_sys_close(fd);
	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	text[n - (text[n - 1] == '\n')] = '\0';
	*number = UINT64_MAX;
	return __builtin_strcmp(text, "max") == 0 || lm_text_parse(text, UINT64_MAX - 1, number) == 0 ? 0 : -EINVAL;
}

/* Puts FILE behind the first LENGTH bytes of DIRECTORY, which has PATH_MAX. */
static void put_file(char *directory, size_t length, const char *file)
{
	struct lm_text text = {directory + length, directory + PATH_MAX - 1};

	lm_text_string(&text, file);
	*text.at = '\0';
}

/*
 * DIRECTORY, of LENGTH bytes, is the group's, and has room for a file's name. It is shortened up to the first MOUNT
 * bytes, below which there are no groups.
 */
static uint64_t least_limit(char *directory, size_t length, size_t mount, const struct version *version)
{
	uint64_t least = UINT64_MAX, limit;

	for (;;) {
		put_file(directory, length, version->limit);
		if (lm_cgroup_number(directory, &limit) == 0 && limit < least)
			least = limit;
		if (length <= mount)
			return least;
		while (length > mount && directory[--length] != '/')
			;
	}
}

/* As lm_cgroup_find(), for one version. ROOM has PATH_MAX bytes. */
static const char *find(char *room, struct part groups, struct part mounts, const struct version *version,
                        uint64_t *limit)
{
	struct lm_text text = {room, room + PATH_MAX - sizeof "/memory.limit_in_bytes"};
	struct part path, root, point;
	const char *found;
	uint64_t used;
	size_t mount, length;

	if (find_path(groups, version, &path) != 0 || find_mount(mounts, version, &root, &point) != 0)
		return NULL;
	put_unescaped(&text, point);
	mount = (size_t)(text.at - room);
	cut_root(&path, root);
	lm_text_bytes(&text, path.at, path.length);
	if (text.at == text.end)
		return NULL;
	length = (size_t)(text.at - room);
	put_file(room, length, version->used);
	found = lm_cgroup_number(room, &used) == 0 ? lm_arena_string(room) : NULL;
	if (found)
		*limit = least_limit(room, length, mount, version);
	return found;
}

const char *lm_cgroup_find(uint64_t *limit)
{
	const char *found = NULL;
	struct lm_whole groups, mounts;
	char *room = lm_sys_map(PATH_MAX);
	int error = lm_whole_read(&groups, "/proc/self/cgroup");

	*limit = UINT64_MAX;
	if (lm_whole_read(&mounts, "/proc/self/mountinfo") == 0 && !error && room) {
		/* Where both versions are mounted, one of them has the memory. */
		for (size_t i = 0; !found && i < sizeof versions / sizeof *versions; i++)
			found = find(room, (struct part){groups.text, groups.length},
			             (struct part){mounts.text, mounts.length}, &versions[i], limit);
	}
	lm_whole_unread(&groups);
	lm_whole_unread(&mounts);
	if (room)
		lm_sys_unmap(room, PATH_MAX);
	return found;
}
