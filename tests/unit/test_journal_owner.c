/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose a journal is: which ones nobody takes for a trace's, and who removes them. */
#include "journals.h"
#include "recovery.h"
#include "support.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What recovery_find() gives for the trace, with MESSAGES and LAST_MESSAGE. Both ways to treat gaps are tried. */
static int find(void)
{
	struct recovery recovery;
	char path[PATH_MAX];
	int fd, found = -1;

	snprintf(path, sizeof path, "%s/t", scratch());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (enum recovery_gaps gaps = RECOVERY_LEAVE_OUT; gaps <= RECOVERY_FILL; gaps++) {
		made.messages = 0;
		found = recovery_find(&recovery, fd, path, gaps, &journal_diag);
		if (found == 1)
			recovery_free(&recovery);
	}
	close(fd);
	return found;
}

/* Nobody takes the journal for the trace's, and all say WHY; whoever begins the trace anew leaves it there. */
static void is_left_alone(const char *why)
{
	struct run r;

	ck_assert_int_eq(find(), 0);
	ck_assert_uint_eq(made.messages, 1);
	ck_assert_msg(strstr(made.last_message, why) != NULL, "%s", made.last_message);
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_ptr_nonnull(strstr(r.out, "Total: 1 block, 1 byte"));
	ck_assert_msg(strstr(r.err, why) != NULL, "%s", r.err);
	r = run("cp t kept; $B/log-malloc -q -o t true; [ -e t.journal -o -L t.journal ] || exit 9; cat kept >t");
	ck_assert_int_eq(r.status, 0);
}

/* A trace with a leak of 1 byte, and a journal of it with one of 2 bytes. */
static void save_pair(void)
{
	journal_begin(FIRST ONE);
	journal_put(TWO);
	journal_save(0);
	ck_assert_int_eq(find(), 1);
	ck_assert_uint_eq(made.messages, 0);
}

START_TEST(a_journal_of_another_user_is_left_alone)
{
	struct run r;

	if (geteuid() != 0) {
		skip("a_journal_of_another_user_is_left_alone", "only root can give files away");
		return;
	}
	save_pair();
	ck_assert_int_eq(run("chown 12345 t.journal").status, 0);
	is_left_alone("it belongs to another user than the trace");
	/* Root reads what is another user's; but not a mixture. */
	ck_assert_int_eq(run("chown 12345 t").status, 0);
	journal_reads("1/2 2/1 ");
	ck_assert_int_eq(run("chown 0 t.journal").status, 0);
	r = run("$B/log-malloc-findleak -n t");
	ck_assert_ptr_nonnull(strstr(r.err, "it belongs to another user than the trace"));
}
END_TEST

START_TEST(a_journal_that_others_can_write_to_is_left_alone)
{
	static const char *const modes[] = {"620", "602", "666"};

	save_pair();
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		ck_assert_int_eq(run("chmod %s t.journal", modes[i]).status, 0);
		is_left_alone("others than its owner can write to it");
	}
	ck_assert_int_eq(run("chmod 644 t.journal").status, 0);
	journal_reads("1/2 2/1 ");
}
END_TEST

START_TEST(links_to_a_journal_are_left_alone)
{
	save_pair();
	ck_assert_int_eq(run("mv t.journal other; ln -s other t.journal").status, 0);
	is_left_alone("it is a symbolic link");
	ck_assert_int_eq(run("rm t.journal; ln -s nowhere t.journal").status, 0);
	is_left_alone("it is a symbolic link");
	ck_assert_int_eq(run("rm t.journal; ln other t.journal").status, 0);
	is_left_alone("it has more than one name");
	ck_assert_int_eq(run("rm other").status, 0);
	journal_reads("1/2 2/1 ");
}
END_TEST

START_TEST(a_journal_of_another_file_has_to_agree_with_the_trace)
{
	save_pair();
	ck_assert_int_eq(run("mkdir there; cp t t.journal there; cp there/t t; cp there/t.journal t.journal").status,
	                 0);
	journal_reads("1/2 2/1 ");
	/* It names this trace, but what both have is not the same. */
	journal_begin(FIRST);
	journal_put(ONE);
	journal_put(TWO);
	memcpy(made.stream, FREE_1, strlen(FREE_1));
	journal_save(strlen(FREE_1));
	journal_reads_without("-1/0 ", "it does not belong to the trace as it is now");
}
END_TEST

/* Cuts the journal and gives it its size again, until it is killed. */
static pid_t start_cutting(void)
{
	const char *path = journal_path("t.journal");
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child > 0)
		return child;
	for (off_t size = 0;; size = (size + 12345) % LM_JOURNAL_SIZE) {
		if (truncate(path, size) != 0 || truncate(path, LM_JOURNAL_SIZE) != 0)
			_exit(1);
	}
}

START_TEST(a_journal_that_is_cut_while_it_is_read_does_no_harm)
{
	pid_t child;
	int status;

	save_pair();
	child = start_cutting();
	for (int i = 0; i < 15; i++) {
		int found = find();

		ck_assert_msg(found == 1 || (found == 0 && made.messages == 1), "%d", found);
		ck_assert_int_eq(run("$B/log-malloc-findleak -n t").status, 1);
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, 1);
}
END_TEST

START_TEST(the_launcher_removes_the_journal_of_a_trace_that_it_empties)
{
	journal_begin(FIRST);
	journal_put(ONE);
	journal_save(0);
	ck_assert_int_eq(
		run("$B/log-malloc -q -o t true && test ! -e t.journal && $B/log-malloc-trackusage t >usage").status,
		0);
	/* Not if it cannot begin. */
	journal_save(0);
	ck_assert_int_eq(run("$B/log-malloc -q -o t no-such-command").status, 127);
	ck_assert_ptr_nonnull(read_file("t.journal", NULL));
	/* A FIFO has none. */
	ck_assert_int_eq(run("mkfifo f; cp t.journal f.journal; cat f >copy & $B/log-malloc -q -o f true && wait && "
	                     "test -e f.journal && grep -q INIT copy")
	                         .status,
	                 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal_owner");

	/* So that nobody else can write to the journals that are made here. */
	umask(022);

	ONCE(a_journal_of_another_user_is_left_alone);
	ONCE(a_journal_that_others_can_write_to_is_left_alone);
	ONCE(links_to_a_journal_are_left_alone);
	ONCE(a_journal_of_another_file_has_to_agree_with_the_trace);
	ONCE(a_journal_that_is_cut_while_it_is_read_does_no_harm);
	ONCE(the_launcher_removes_the_journal_of_a_trace_that_it_empties);
	return run_suite(suite);
}
