/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See output.h. */
#include "output.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "arena.h"
#include "descriptor.h"
#include "owner.h"
#include "path.h"
#include "self.h"
#include "sys.h"
#include "text.h"
#include "trace_file.h"
#include "trace_format.h"
#include "trace_name.h"
#include "warn.h"

/* ---- children ---- */

/* PATH as a part of a pattern. */
static void put_literally(struct lm_text *text, const char *path)
{
	for (; *path; path++) {
		if (*path == '%')
			lm_text_char(text, '%');
		lm_text_char(text, *path);
	}
}

/* PATTERN as an absolute path, since a process may change its directory. */
static void put_absolute(struct lm_text *text, char *cwd, const char *pattern)
{
	if (pattern[0] != '/' && lm_path_cwd(cwd, PATH_MAX) == 0) {
		put_literally(text, cwd);
		lm_text_char(text, '/');
	}
	lm_text_string(text, pattern);
}

/* Puts .%p behind the name in PATTERN, where TEXT ends; or in front of .zst. The launcher does the same. */
static void put_pid(struct lm_text *text, char *pattern)
{
	char *stem = pattern + lm_trace_stem(pattern);
	int is_compressed = stem != text->at;

	text->at = stem;
	lm_text_string(text, ".%p");
	if (is_compressed)
		lm_text_string(text, LM_TRACE_ZSTD);
	*text->at = '\0';
}

const char *lm_output_childrens(const struct lm_config *config)
{
	/* Not on the stack, which may be small. */
	struct {
		char cwd[PATH_MAX], pattern[2 * PATH_MAX];
	} *room = lm_sys_map(sizeof *room);
	const char *name = config->output ? config->output : lm_descriptor_path(LM_TRACE_FD);
	struct lm_text text;
	const char *kept;

	if (!room || !name) {
		if (room)
			lm_sys_unmap(room, sizeof *room);
		return NULL;
	}
	text = (struct lm_text){room->pattern, room->pattern + sizeof room->pattern - 1};
	if (config->output)
		put_absolute(&text, room->cwd, name);
	else
		put_literally(&text, name);
	*text.at = '\0';
	if (!lm_trace_file_has_pid(room->pattern))
		put_pid(&text, room->pattern);
	kept = lm_arena_string(room->pattern);
	lm_sys_unmap(room, sizeof *room);
	return kept;
}

static void clear(struct lm_output *output)
{
	output->fd = -1;
	output->owned = output->is_childs = output->is_continued = output->is_noted = 0;
	output->holder = 0;
}

static int open_childs(struct lm_output *output, const char *childrens)
{
	output->is_childs = 1;
	return lm_trace_file_open(output, childrens, NULL);
}

int lm_output_open_childs(struct lm_output *output, const char *childrens)
{
	int saved = errno, result;

	clear(output);
	result = open_childs(output, childrens);
	errno = saved;
	return result;
}

/* ---- any process ---- */

static int has_content(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

/* What is written there is lost, whoever writes. */
static int is_null_device(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

/*
 * Says that the trace is another process's, and that there is none of this one. A
 * process that was started by that one expects it, and nothing is said.
 */
static void tell_taken(struct lm_output *output, const char *path)
{
	struct lm_text text;

	if (!output->holder || lm_self_descends_from(output->holder))
		return;
	text = lm_warn_begin(output->line, sizeof output->line);
	if (output->holder == LM_OWNER_UNNAMED) {
		lm_text_string(&text, "another process");
	} else {
		lm_text_string(&text, "process ");
		lm_text_unsigned(&text, (uint64_t)output->holder);
	}
	lm_text_string(&text, " writes to the trace ");
	if (path)
		lm_text_shown(&text, path);
	else
		lm_text_string(&text, "on descriptor 1022");
	lm_text_string(&text, ", and process ");
	lm_text_unsigned(&text, (uint64_t)lm_sys(SYS_getpid));
	lm_text_string(&text, " has none; with %p in LOG_MALLOC_OUTPUT, each process has its own");
	lm_warn_end(output->line, &text);
}

/* An earlier image of this process may have gone on in a file that the launcher does not know (rotate.h). */
static int is_own_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && lm_owner_begun(fd) == LM_BEGUN_BY_US;
}

/* Takes descriptor 1022, if it is this process's trace. Else 0. */
static int take_descriptor(struct lm_output *output, const char *owner)
{
	enum lm_owner found = lm_owner_find(LM_TRACE_FD, owner);

	if (found == LM_OWNER_OTHER)
		return 0;
	if (lm_owner_claim(LM_TRACE_FD, &output->holder) != 0) {
		if (is_null_device(LM_TRACE_FD))
			output->holder = 0;
		return 0;
	}
	output->fd = LM_TRACE_FD;
	output->is_noted = found == LM_OWNER_US || is_own_file(LM_TRACE_FD);
	output->is_continued = output->is_noted && has_content(LM_TRACE_FD);
	return 1;
}

/* Is the trace's descriptor open for writing? */
static int has_trace_descriptor(void)
{
	long mode = lm_sys(SYS_fcntl, LM_TRACE_FD, F_GETFL);

	return mode >= 0 && (mode & O_ACCMODE) != O_RDONLY;
}

int lm_output_is_wanted(const struct lm_config *config)
{
	return config->output || has_trace_descriptor();
}

static int open_any(struct lm_output *output, const struct lm_config *config)
{
	int has_descriptor = has_trace_descriptor(), result;
	const char *childrens;

	if (has_descriptor) {
		if (take_descriptor(output, config->owner))
			return 0;
	} else if (config->output) {
		result = lm_trace_file_open(output, config->output, config->owner);
		if (result != 0 || output->fd >= 0)
			return result;
	} else {
		return 0;
	}
	childrens = config->follow ? lm_output_childrens(config) : NULL;
	if (childrens)
		return open_childs(output, childrens);
	tell_taken(output, has_descriptor ? NULL : output->path);
	return 0;
}

int lm_output_open(struct lm_output *output, const struct lm_config *config)
{
	int saved = errno, result = 0;

	clear(output);
	/* A process that gained privileges must not write or create files at the wish of the user who started it. */
	if (!getauxval(AT_SECURE))
		result = open_any(output, config);
	errno = saved;
	return result;
}
