/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources that are followed: what is read of a file that grows is what is in it at the end, byte by byte. */
#include "source.h"
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Everything that SOURCE gives, in pieces of at most ROOM bytes. */
static char *read_all(struct source *source, size_t room, size_t *len)
{
	char *text = NULL;
	ssize_t n;

	*len = 0;
	do {
		text = realloc(text, *len + room + 1);
		ck_assert_ptr_nonnull(text);
		n = source_read(source, text + *len, room);
		ck_assert_int_ge(n, 0);
		*len += (size_t)n;
	} while (n);
	text[*len] = '\0';
	return text;
}

/* ---- a file --------------------------------------------------------------- */

static const char *const pieces[] = {"", "# PID 1\n+ mal", "loc 1 0x10 [1:24]\n", "", "x", "+ free -1 0x10 [0:0]\n"};
enum { PIECES = sizeof pieces / sizeof *pieces };

struct writer {
	int fd;
	size_t next;
};

static bool write_more(void *context)
{
	struct writer *writer = context;

	if (writer->next == PIECES)
		return false;
	ck_assert_int_ge(write(writer->fd, pieces[writer->next], strlen(pieces[writer->next])), 0);
	writer->next++;
	return true;
}

START_TEST(a_file_that_grows_is_read_to_its_end)
{
	char path[4096], expected[512] = "";
	const char *const begin = _i ? "# begun before\n" : "";
	struct writer writer = {.next = 0};
	const struct source_follow follow = {.wait = write_more, .context = &writer};
	struct source source;
	size_t len;
	char *text;

	snprintf(path, sizeof path, "%s/t", scratch());
	write_file(path, begin, strlen(begin));
	strcat(expected, begin);
	for (size_t i = 0; i < PIECES; i++)
		strcat(expected, pieces[i]);
	writer.fd = open(path, O_WRONLY | O_APPEND);
	ck_assert_int_eq(source_open(&source, path, NULL), 0);
	ck_assert_int_eq(source_follow(&source, &follow), 0);
	text = read_all(&source, 7, &len);
	ck_assert_str_eq(text, expected);
	ck_assert_ptr_null(source_fault(&source));
	source_close(&source);
	close(writer.fd);
	free(text);
}
END_TEST

/* ---- files that follow each other ----------------------------------------- */

/* The trace goes on in a new file twice, and the second time it is not waited for in between. */
struct files {
	char path[4096], old[4100];
	int step;
};

static void write_next(struct files *files, const char *text)
{
	ck_assert_int_eq(rename(files->path, files->old), 0);
	write_file(files->path, text, strlen(text));
}

static bool go_on(void *context)
{
	struct files *files = context;

	switch (files->step++) {
	case 0:
		write_next(files, "# PID 2\n+ free -1 0x10 [0:0]\n# CONTINUED      \n");
		return true;
	case 1:
		write_next(files, "# PID 3\n# CONTINUED\n");
		write_next(files, "# PID 4\n# CONTINUED x\n");
		return true;
	case 2:
		/* The last file does not say that it goes on. */
		write_next(files, "# PID 5\n");
		return true;
	default:
		return false;
	}
}

START_TEST(a_trace_is_followed_into_its_next_files)
{
	static const char begin[] = "# PID 1\n+ malloc 1 0x10 [1:24]\n# CONTINUED\n";
	struct files files = {.step = 0};
	const struct source_follow follow = {.wait = go_on, .context = &files};
	struct source source;
	size_t len;
	char *text;

	snprintf(files.path, sizeof files.path, "%s/t", scratch());
	snprintf(files.old, sizeof files.old, "%s.old", files.path);
	write_file(files.path, begin, sizeof begin - 1);
	ck_assert_int_eq(source_open(&source, files.path, NULL), 0);
	ck_assert_int_eq(source_follow(&source, &follow), 0);
	text = read_all(&source, 7, &len);
	ck_assert_str_eq(text, "# PID 1\n+ malloc 1 0x10 [1:24]\n# CONTINUED\n"
	                       "# PID 2\n+ free -1 0x10 [0:0]\n# CONTINUED      \n"
	                       "# PID 4\n# CONTINUED x\n");
	ck_assert_ptr_null(source_fault(&source));
	source_close(&source);
	free(text);
}
END_TEST

/* ---- a process ------------------------------------------------------------ */

static bool runs(void *context)
{
	pid_t *launcher = context;

	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	if (*launcher && waitpid(*launcher, NULL, WNOHANG) != 0)
		*launcher = 0;
	return *launcher != 0;
}

static pid_t trace_threads(const char *format, const char *path)
{
	char launcher[4096], program[4096];
	pid_t pid;

	snprintf(launcher, sizeof launcher, "%s/log-malloc", getenv("LM_BUILD"));
	snprintf(program, sizeof program, "%s/tests/programs/threads", getenv("LM_BUILD"));
	pid = fork();
	if (pid == 0) {
		int out = open("/dev/null", O_WRONLY);

		if (out >= 0)
			dup2(out, STDOUT_FILENO);
		execl(launcher, launcher, "-q", format, "-o", path, program, "4", "8000", (char *)NULL);
		_exit(99);
	}
	while (access(path, F_OK) != 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return pid;
}

START_TEST(what_a_process_records_is_followed_byte_by_byte)
{
	static const char *const formats[] = {"--full", "--compact", "--packed"};
	char path[4096], *text, *expected;
	struct source source;
	size_t len, expected_len;
	pid_t launcher;
	const struct source_follow follow = {.wait = runs, .context = &launcher};

	snprintf(path, sizeof path, "%s/t", scratch());
	launcher = trace_threads(formats[_i], path);
	ck_assert_int_eq(source_open(&source, path, NULL), 0);
	ck_assert_int_eq(source_follow(&source, &follow), 0);
	text = read_all(&source, 65536, &len);
	source_close(&source);
	expected = read_file(path, &expected_len);
	ck_assert_uint_gt(expected_len, 100000);
	ck_assert_uint_eq(len, expected_len);
	ck_assert_int_eq(memcmp(text, expected, len), 0);
	free(text);
}
END_TEST

START_TEST(a_pipe_and_a_compressed_file_are_read_as_always)
{
	struct writer writer = {.next = PIECES};
	const struct source_follow follow = {.wait = write_more, .context = &writer};
	struct source source;
	char path[4096], *text;
	size_t len;

	if (!can_run("a_pipe_and_a_compressed_file_are_read_as_always", "zstd"))
		return;
	must(run("printf 'some text\\n' | zstd -q -o t.zst"));
	snprintf(path, sizeof path, "%s/t.zst", scratch());
	ck_assert_int_eq(source_open(&source, path, NULL), 0);
	ck_assert_int_eq(source_follow(&source, &follow), 0);
	text = read_all(&source, 100, &len);
	ck_assert_str_eq(text, "some text\n");
	source_close(&source);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow");

	TIMES(a_file_that_grows_is_read_to_its_end, 2);
	ONCE(a_trace_is_followed_into_its_next_files);
	TIMES(what_a_process_records_is_followed_byte_by_byte, 3);
	ONCE(a_pipe_and_a_compressed_file_are_read_as_always);
	return run_suite(suite);
}
