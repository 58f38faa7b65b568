/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See support.h. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failures.h"

/* Check forks for each test, and each process has a directory of its own. */
static char scratch_dir[PATH_MAX];
static pid_t scratch_owner;

/*
 * Tells LeakSanitizer, which looks for a function of this name, to ignore what
 * these functions return: results last until the test ends. With SAN=address,
 * only leaks of the reader and of the commands count.
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:read_file\nleak:traced_read\nleak:traced_symbol\n";
}

static const char *required(const char *variable)
{
	const char *value = getenv(variable);

	if (!value || value[0] != '/') {
		fprintf(stderr, "%s has to name an absolute path: run the tests with 'make check'\n", variable);
		exit(2);
	}
	return value;
}

const char *scratch(void)
{
	if (scratch_owner != getpid()) {
		scratch_owner = getpid();
		snprintf(scratch_dir, sizeof scratch_dir, "%s/tests/scratch/%s.%d", required("LM_BUILD"),
		         program_invocation_short_name, (int)scratch_owner);
		/* They all stay until the end, and an earlier test may have had the same number. */
		while (mkdir(scratch_dir, 0755) != 0) {
			size_t length = strlen(scratch_dir);

			if (errno != EEXIST || length + 2 > sizeof scratch_dir)
				ck_abort_msg("cannot make %s", scratch_dir);
			snprintf(scratch_dir + length, sizeof scratch_dir - length, "+");
		}
	}
	return scratch_dir;
}

static void in_scratch(char *full, size_t size, const char *path)
{
	if (path[0] == '/')
		snprintf(full, size, "%s", path);
	else
		snprintf(full, size, "%s/%s", scratch(), path);
}

char *read_file(const char *path, size_t *len)
{
	char full[PATH_MAX * 2];
	size_t used = 0, room = 1 << 16;
	char *data = malloc(room + 1);
	ssize_t n;
	int fd;

	in_scratch(full, sizeof full, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		free(data);
		return NULL;
	}
	while (data && (n = read(fd, data + used, room - used)) > 0) {
		used += (size_t)n;
		if (used == room)
			data = realloc(data, (room *= 2) + 1);
	}
	close(fd);
	ck_assert_ptr_nonnull(data);
	data[used] = '\0';
	if (len)
		*len = used;
	return data;
}

void write_file(const char *path, const char *content, size_t len)
{
	char full[PATH_MAX * 2];
	FILE *f;

	in_scratch(full, sizeof full, path);
	f = fopen(full, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(content, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct run run(const char *fmt, ...)
{
	static unsigned number;
	struct run result;
	char out[64], err[64];
	char *line, *command;
	va_list args;
	double began;
	int status;

	va_start(args, fmt);
	ck_assert_int_ge(vasprintf(&line, fmt, args), 0);
	va_end(args);
	number++;
	snprintf(out, sizeof out, "run.%u.out", number);
	snprintf(err, sizeof err, "run.%u.err", number);
	ck_assert_int_ge(asprintf(&command,
	                          "cd '%s' || exit 125\nB='%s' S='%s'\nexport B S\n{ %s\n} </dev/null >%s 2>%s",
	                          scratch(), required("LM_BUILD"), required("LM_SOURCE"), line, out, err),
	                 0);
	fflush(NULL);
	failures_command_begins(scratch(), line);
	began = seconds_now();
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execlp("timeout", "timeout", "--foreground", "-k", "5", "300", "bash", "-c", command, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	result.out = read_file(out, &result.out_len);
	result.err = read_file(err, &result.err_len);
	ck_assert_ptr_nonnull(result.out);
	ck_assert_ptr_nonnull(result.err);
	failures_command_ended(scratch(), line, result.status, seconds_now() - began, result.err);
	free(line);
	free(command);
	return result;
}

void json_is(const char *command, const char *options, const char *filter, const char *expected)
{
	struct run r = run("$B/%s --format=json %s | jq -c '%s'", command, options, filter);

	ck_assert_msg(strcmp(r.out, expected) == 0, "%s: %s%s, not %s", filter, r.out, r.err, expected);
}

struct run junit_has(const char *options, int failures)
{
	struct run r = run("$B/log-malloc-findleak --format junit %s >junit; status=$?;"
	                   "xmllint --noout --schema $S/tests/commands/junit.xsd junit || exit 99; exit $status",
	                   options);
	struct run count = run("xmllint --xpath 'count(//failure)' junit; printf ' '; xmllint --xpath "
	                       "'sum(//testsuite/@failures)' junit; xmllint --xpath "
	                       "'count(//testcase) = sum(//testsuite/@tests)' junit");
	char expected[64];

	ck_assert_msg(r.status != 99, "%s", r.err);
	snprintf(expected, sizeof expected, "%d\n %d\ntrue\n", failures, failures);
	ck_assert_str_eq(count.out, expected);
	return r;
}

void are_refused(const char *command, const char *const *arguments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct run r = run("$B/%s %s", command, arguments[i]);

		ck_assert_msg(r.status == 2 && r.err_len, "%s: %d", arguments[i], r.status);
	}
}

bool have_command(const char *command)
{
	return run("command -v '%s'", command).status == 0;
}

void skip(const char *test, const char *why)
{
	char path[PATH_MAX];
	FILE *list;

	printf("SKIP %s: %s\n", test, why);
	fflush(stdout);
	/* Also before the suite runs, when Check does not let a test fail. */
	snprintf(path, sizeof path, "%s/tests/scratch/skipped", required("LM_BUILD"));
	list = fopen(path, "ae");
	if (!list)
		return;
	fprintf(list, "%s\n", test);
	fclose(list);
}

bool can_run(const char *test, const char *command)
{
	char why[256];

	if (have_command(command))
		return true;
	snprintf(why, sizeof why, "%s is not installed", command);
	skip(test, why);
	return false;
}

/* Runs after a test only if that passed. */
static void forget_commands(void)
{
	if (scratch_owner == getpid())
		failures_forget(scratch_dir);
}

void add_test(Suite *suite, const char *name, const TTest *test, int times)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 180);
	tcase_add_checked_fixture(tcase, NULL, forget_commands);
	if (times)
		tcase_add_loop_test(tcase, test, 0, times);
	else
		tcase_add_test(tcase, test);
	suite_add_tcase(suite, tcase);
}

int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* Check forks for each test. What stdio still holds then would be printed twice. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	failures_keep(runner, required("LM_BUILD"));
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
