/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc merges what its command left in a journal. Here the journal is
 * written by hand: the command of log-malloc is a shell, which turns into this
 * program, which is not traced and writes a journal beside the shell's trace.
 */
#include "journal.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAUNCHER "\"$B/log-malloc\""

/* The blocks in the journal have a size of their own. */
#define SIZE   4711
#define BLOCKS 20000
#define LOST   77

/* ---- the command that leaves a journal ------------------------------------------------ */

static _Alignas(uint64_t) unsigned char image[LM_JOURNAL_SIZE];
static struct lm_journal_header *const header = (struct lm_journal_header *)(void *)image;

static void need(int well, const char *what)
{
	if (well)
		return;
	perror(what);
	_exit(99);
}

static size_t put(size_t at, const char *text)
{
	memcpy(image + LM_JOURNAL_HEADER + at, text, strlen(text));
	return at + strlen(text);
}

/* A record that was not finished: LEN bytes from AT on. */
static size_t put_pending(size_t at, uint32_t len)
{
	unsigned char *place = image + LM_JOURNAL_HEADER + at;

	place[0] = LM_JOURNAL_PENDING;
	memcpy(place + 1, &(uint32_t){lm_journal_length(len)}, sizeof len);
	return at + len;
}

/* What a process with many threads might have left. */
static size_t fill_ring(void)
{
	size_t at = 0;

	for (unsigned i = 0; i < BLOCKS; i++) {
		char record[128];

		snprintf(record, sizeof record, "+ malloc %d 0x%x [1:1]\n/x(f+0x1)[0x401000]\n", SIZE,
		         0x1000000 + 0x10000 * i);
		at = put(at, record);
		if (i % 1000 == 0)
			at = put_pending(at, 61);
	}
	return at;
}

/* Lets the launcher write half of what it merges. */
static void limit_launcher(uint64_t base, size_t len)
{
	struct rlimit limit;

	need(getrlimit(RLIMIT_FSIZE, &limit) == 0, "getrlimit");
	limit.rlim_cur = base + len / 2;
	need(prlimit(getppid(), RLIMIT_FSIZE, &limit, NULL) == 0, "prlimit");
}

static void write_file_at(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0, path);
}

static void copy_trace(const char *trace, size_t size)
{
	char *content = malloc(size);
	int fd = open(trace, O_RDONLY | O_CLOEXEC);

	need(content && fd >= 0 && read(fd, content, size) == (ssize_t)size && close(fd) == 0, trace);
	write_file_at("before", content, size);
	free(content);
}

static void change_journal(const char *journal, const char *how)
{
	if (strcmp(how, "link") == 0)
		need(rename(journal, "elsewhere") == 0 && symlink("elsewhere", journal) == 0, "symlink");
	else if (strcmp(how, "two-names") == 0)
		need(link(journal, "elsewhere") == 0, "link");
	else if (strcmp(how, "writable") == 0)
		need(chmod(journal, 0666) == 0, "chmod");
	else if (strcmp(how, "foreign") == 0)
		need(chown(journal, 12345, 12345) == 0, "chown");
	else if (strcmp(how, "cut") == 0)
		need(truncate(journal, LM_JOURNAL_SIZE / 2) == 0, "truncate");
	else if (strcmp(how, "fifo") == 0)
		need(unlink(journal) == 0 && mkfifo(journal, 0600) == 0, "mkfifo");
}

/* Writes TRACE.journal, changed as HOW says, and a copy of the trace as it is then: "before". */
static int forge(const char *trace, const char *how)
{
	static const char fini[] = "+ FINI [1:1] malloc=1\n";
	char journal[PATH_MAX];
	struct stat st;
	size_t len;
	int fd;

	if (strcmp(how, "behind-fini") == 0) {
		fd = open(trace, O_WRONLY | O_APPEND | O_CLOEXEC);
		need(fd >= 0 && write(fd, fini, sizeof fini - 1) == sizeof fini - 1 && close(fd) == 0, "FINI");
	}
	need(stat(trace, &st) == 0, trace);
	*header = (struct lm_journal_header){
		.magic = LM_JOURNAL_MAGIC,
		.pid = (uint64_t)getpid() + (strcmp(how, "other-process") == 0),
		.device = st.st_dev,
		.inode = st.st_ino,
		.base = (uint64_t)st.st_size,
	};
	lm_journal_header_turn(header);
	len = strcmp(how, "lost") == 0 ? 0 : fill_ring();
	if (strcmp(how, "limit") == 0 || strcmp(how, "lost") == 0)
		len = put(len, "# LOST 77\n");
	if (strcmp(how, "garbage") == 0) {
		for (size_t i = 0; i < LM_JOURNAL_RING; i++)
			image[LM_JOURNAL_HEADER + i] = (unsigned char)(i * i >> 3 ^ i);
	}
	if (strcmp(how, "no-journal") == 0)
		memset(image, 'x', sizeof image);
	copy_trace(trace, (size_t)st.st_size);
	snprintf(journal, sizeof journal, "%s" LM_JOURNAL_SUFFIX, trace);
	write_file_at(journal, image, sizeof image);
	change_journal(journal, how);
	if (strcmp(how, "limit") == 0)
		limit_launcher((uint64_t)st.st_size, len);
	return 3;
}

/* Runs log-malloc with a command that leaves a journal. STARTER is put in front of log-malloc. */
static struct run leave(const char *starter, const char *how)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	return run("rm -rf t t.journal elsewhere before; %s " LAUNCHER " -o t sh -c "
	           "'unset LD_PRELOAD; exec \"$1\" forge t \"$2\"' sh '%s' '%s'",
	           starter, self, how);
}

/* ---- tests ------------------------------------------------------------------------------ */

/* The blocks of the journal that the trace has, as every command reads it. */
static uint64_t blocks_of(const struct traced *traced)
{
	uint64_t blocks = 0;

	for (size_t i = 0; i < traced->count; i++)
		blocks += traced->list[i].event.call == LM_CALL_MALLOC && traced->list[i].event.size == SIZE;
	return blocks;
}

static void has_all(void)
{
	struct traced traced = traced_read("t", true);

	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(blocks_of(&traced), BLOCKS);
}

static size_t size_of(const char *name)
{
	size_t len = 0;

	ck_assert_ptr_nonnull(read_file(name, &len));
	return len;
}

START_TEST(what_a_command_left_is_merged)
{
	static const char *const ways[] = {"killed", "behind-fini"};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result = leave("", ways[i]);
		char expected[64];

		ck_assert_msg(result.status == 3, "%d: %s", result.status, result.err);
		ck_assert_int_ne(run("test -e t.journal").status, 0);
		ck_assert_uint_gt(size_of("t"), BLOCKS);
		has_all();
		ck_assert_uint_eq(traced_read("t", false).finis, i);
		/* The closing line counts those, too. */
		snprintf(expected, sizeof expected, "log-malloc: %llu events, ",
		         strtoull(run("grep -c '^+ [a-z]' t").out, NULL, 10));
		ck_assert_msg(strstr(result.err, expected) != NULL, "%s", result.err);
	}
}
END_TEST

/* The trace is as the command left it, and so is the journal; the command's status is passed on. */
START_TEST(what_may_be_somebody_elses_is_left_alone)
{
	static const char *const ways[] = {"link", "two-names", "writable", "foreign", "other-process"};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result;

		if (strcmp(ways[i], "foreign") == 0 && geteuid() != 0) {
			skip("what_may_be_somebody_elses_is_left_alone", "only root can give a file away");
			continue;
		}
		result = leave("", ways[i]);
		ck_assert_msg(result.status == 3, "%s: %d, %s", ways[i], result.status, result.err);
		ck_assert_msg(strstr(result.err, "log-malloc: t.journal: left ") != NULL, "%s: %s", ways[i],
		              result.err);
		ck_assert_int_eq(run("test -e t.journal").status, 0);
		ck_assert_msg(run("grep -q 'malloc 4711' t").status == 1, "%s", ways[i]);
	}
}
END_TEST

START_TEST(what_is_no_journal_is_left_alone)
{
	static const char *const ways[] = {"cut", "no-journal", "fifo"};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct run result = leave("", ways[i]);

		ck_assert_msg(result.status == 3, "%s: %d, %s", ways[i], result.status, result.err);
		ck_assert_msg(strstr(result.err, "log-malloc: t.journal: left out: ") != NULL, "%s: %s", ways[i],
		              result.err);
		ck_assert_int_eq(run("test -e t.journal").status, 0);
		ck_assert_msg(run("grep -q 'malloc 4711' t").status == 1, "%s", ways[i]);
	}
}
END_TEST

/* What stands in it can't be told from records, but for the launcher and the records before it, it is harmless. */
START_TEST(a_journal_full_of_garbage_harms_nothing)
{
	struct run result = leave("", "garbage");

	ck_assert_msg(result.status == 3, "%d, %s", result.status, result.err);
	ck_assert_int_eq(run("head -c $(stat -c %%s before) t | cmp - before").status, 0);
	ck_assert_int_gt(atoi(run("stat -c %%s before").out), 0);
}
END_TEST

/* The disk is full in the middle of what is merged: the same as if it had been full from the start. */
START_TEST(a_merge_that_finds_no_room_is_taken_back)
{
	struct run result = leave("", "limit");

	ck_assert_msg(result.status == 3, "%d, %s", result.status, result.err);
	ck_assert_ptr_nonnull(strstr(result.err, "log-malloc: t.journal: the end of the trace stays in this file, for "
	                                         "the commands to read: File too large\n"));
	ck_assert_int_eq(run("grep -q 'malloc 4711' t").status, 1);
	has_all();
	/* What is missing is told, though the trace does not have it. */
	ck_assert_uint_eq(traced_read("t", false).lost, LOST);
	ck_assert_msg(strstr(result.err, ", 77 more could not be written; next: ") != NULL, "%s", result.err);
}
END_TEST

START_TEST(what_is_missing_is_told_even_if_nothing_else_is_there)
{
	struct run result = leave("LOG_MALLOC_START=off", "lost");

	ck_assert_int_eq(result.status, 3);
	ck_assert_msg(strstr(result.err, "log-malloc: 0 events, ") &&
	                      strstr(result.err, " bytes in t, 77 more could not be written"),
	              "%s", result.err);
}
END_TEST

/* Wherever the launcher is killed, trace and journal together have everything, each event once. */
START_TEST(a_merge_that_is_killed_can_be_gone_on_with)
{
	struct run result;
	size_t whole, base;

	if (!can_strace("a_merge_that_is_killed_can_be_gone_on_with"))
		return;
	result = leave("strace -o calls -e trace=unlink,unlinkat -e inject=unlink,unlinkat:signal=KILL", "killed");
	ck_assert_int_eq(result.status, 137);
	ck_assert_int_eq(run("grep -q t.journal calls").status, 0);
	/* The call was entered; it may or may not have been done, so both are looked at. */
	if (run("test -e t.journal").status != 0) {
		has_all();
		return;
	}
	whole = size_of("t");
	base = (size_t)strtoull(run("stat -c %%s before").out, NULL, 10);
	for (size_t i = 0; i <= 7; i++) {
		/* Somewhere in the middle of a record, and at both ends. */
		ck_assert_int_eq(run("truncate -s %zu t", whole - (whole - base) / 7 * i).status, 0);
		has_all();
	}
	ck_assert_int_eq(run("truncate -s %zu t", base).status, 0);
	has_all();
}
END_TEST

/* A journal that can't be removed holds nothing that the trace does not have. */
START_TEST(a_journal_that_can_not_be_removed)
{
	struct run result;

	if (!can_strace("a_journal_that_can_not_be_removed"))
		return;
	result = leave("strace -o calls -e trace=unlink,unlinkat -e inject=unlink,unlinkat:error=EPERM", "killed");
	ck_assert_int_eq(result.status, 3);
	ck_assert_ptr_nonnull(strstr(result.err, "log-malloc: t.journal: the trace has all of this file, which can not "
	                                         "be removed: Operation not permitted\n"));
	has_all();
}
END_TEST

/* A daemon closes all descriptors, and its lock on the trace goes away with the first of them. */
START_TEST(a_child_that_runs_on_keeps_its_journal)
{
	static const char source[] = "#include <fcntl.h>\n"
				     "#include <stdlib.h>\n"
				     "#include <unistd.h>\n"
				     "static void allocate(void)\n"
				     "{\n"
				     "	for (int i = 0; i < 1000; i++) {\n"
				     "		void *volatile p = malloc(4711);\n"
				     "		free(p);\n"
				     "	}\n"
				     "}\n"
				     "int main(void)\n"
				     "{\n"
				     "	if (fork() > 0) {\n"
				     "		while (access(\"ready\", F_OK) != 0)\n"
				     "			usleep(1000);\n"
				     "		return 0;\n"
				     "	}\n"
				     "	allocate();\n"
				     "	for (int i = 0; i < 5000; i++)\n"
				     "		close(i);\n"
				     "	allocate();\n"
				     "	creat(\"ready\", 0600);\n"
				     "	while (access(\"go\", F_OK) != 0)\n"
				     "		usleep(1000);\n"
				     "	allocate();\n"
				     "	creat(\"done\", 0600);\n"
				     "	return 0;\n"
				     "}\n";
	struct traced traced;
	struct run result;
	char name[64];

	write_file("daemon.c", source, sizeof source - 1);
	ck_assert_int_eq(run("$CC -O1 -fno-builtin-malloc -fno-builtin-free -o daemon daemon.c").status, 0);
	result = run(LAUNCHER " -f -o t ./daemon");
	ck_assert_int_eq(result.status, 0);
	ck_assert_msg(strstr(result.err, ", which still runs, ") != NULL, "%s", result.err);
	ck_assert_int_eq(run("ls t.*.journal").status, 0);
	run("touch go; until [ -e done ]; do sleep 0.01; done; sleep 0.2");
	result = run("ls t.* | grep -v journal");
	snprintf(name, sizeof name, "%.*s", (int)strcspn(result.out, "\n"), result.out);
	ck_assert_msg(strcspn(result.out, "\n") + 1 == result.out_len, "%s", result.out);
	traced = traced_read(name, true);
	ck_assert_uint_eq(traced.malformed, 0);
	ck_assert_uint_eq(traced.finis, 1);
	ck_assert_uint_eq(blocks_of(&traced), 3000);
}
END_TEST

/* The same of a child that was killed meanwhile and that nobody has waited for. */
START_TEST(a_child_that_is_a_zombie_has_ended)
{
	static const char source[] = "#include <fcntl.h>\n"
				     "#include <signal.h>\n"
				     "#include <stdlib.h>\n"
				     "#include <sys/prctl.h>\n"
				     "#include <unistd.h>\n"
				     "int main(void)\n"
				     "{\n"
				     "	pid_t middle = fork();\n"
				     "	if (middle > 0) {\n"
				     "		while (access(\"ready\", F_OK) != 0)\n"
				     "			usleep(1000);\n"
				     "		return 0;\n"
				     "	}\n"
				     "	if (fork() == 0) {\n"
				     "		for (int i = 0; i < 1000; i++) {\n"
				     "			void *volatile p = malloc(4711);\n"
				     "			free(p);\n"
				     "		}\n"
				     "		kill(getpid(), SIGKILL);\n"
				     "	}\n"
				     "	usleep(300000);\n"
				     "	creat(\"ready\", 0600);\n"
				     "	while (access(\"go\", F_OK) != 0)\n"
				     "		usleep(1000);\n"
				     "	return 0;\n"
				     "}\n";
	struct run result;

	write_file("parent.c", source, sizeof source - 1);
	ck_assert_int_eq(run("$CC -O1 -fno-builtin-malloc -fno-builtin-free -o parent parent.c").status, 0);
	result = run(LAUNCHER " -f -o t ./parent; touch go");
	ck_assert_msg(strstr(result.err, ": 2000 events, ") != NULL, "%s", result.err);
	ck_assert_int_ne(run("ls t.*.journal").status, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tests;

	if (argc == 4 && strcmp(argv[1], "forge") == 0)
		return forge(argv[2], argv[3]);
	suite = suite_create("merging");
	tests = tcase_create("merging");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, what_a_command_left_is_merged);
	tcase_add_test(tests, what_may_be_somebody_elses_is_left_alone);
	tcase_add_test(tests, what_is_no_journal_is_left_alone);
	tcase_add_test(tests, a_journal_full_of_garbage_harms_nothing);
	tcase_add_test(tests, a_merge_that_finds_no_room_is_taken_back);
	tcase_add_test(tests, what_is_missing_is_told_even_if_nothing_else_is_there);
	tcase_add_test(tests, a_merge_that_is_killed_can_be_gone_on_with);
	tcase_add_test(tests, a_journal_that_can_not_be_removed);
	tcase_add_test(tests, a_child_that_runs_on_keeps_its_journal);
	tcase_add_test(tests, a_child_that_is_a_zombie_has_ended);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
