/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A trace that is no file: a FIFO, a socket, the null device. It costs no write for
 * each event, and its reader still sees each event soon, in order and once. The
 * process that writes for the program is not the program's affair.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "both_ways.h"
#include "support.h"
#include "traced.h"
#include "tracing.h"

/* Twice so many calls and their releases, with something between. */
#define EVENTS 20000

/* How a program gets its trace, which a reader copies to "t". */
static const char fifo[] = "rm -f fifo; mkfifo fifo; cat fifo >t & reader=$!\n"
			   "env \"$@\" 1022>fifo; status=$?; wait $reader; exit $status\n";

/* The reader of messages checks that each is whole lines. */
static const char sockets[] =
	"use Socket; use POSIX; my $type = shift; $type = $type eq 'stream' ? SOCK_STREAM : SOCK_SEQPACKET;\n"
	"socketpair(R, W, AF_UNIX, $type, PF_UNSPEC) or die;\n"
	"my $program = fork;\n"
	"unless ($program) { close R; POSIX::dup2(fileno(W), 1022); close W; exec 'env', @ARGV }\n"
	"close W; open(T, '>t');\n"
	"while (sysread(R, $bytes, 1 << 20)) {\n"
	"    die 'a message in pieces' if $type == SOCK_SEQPACKET and $bytes !~ /\\n\\z/;\n"
	"    syswrite(T, $bytes);\n"
	"}\n"
	"waitpid($program, 0); exit($? >> 8);\n";

static const char *const ways[] = {"bash fifo.sh", "perl sockets.pl stream", "perl sockets.pl messages"};

enum { FIFO, SOCKET, MESSAGES, WAYS };

static struct run run_into(int way, const char *tool, const struct flavour *flavour, const char *program,
                           const char *arguments)
{
	write_file("fifo.sh", fifo, sizeof fifo - 1);
	write_file("sockets.pl", sockets, sizeof sockets - 1);
	return run("%s %s %s LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=compact $B/tests/programs/%s%s %s", tool, ways[way],
	           flavour->environment, program, flavour->suffix, arguments);
}

static void is_whole(const struct run *result)
{
	struct traced trace = traced_read("t", false);

	ck_assert_msg(result->status == 5, "%d, %s", result->status, result->err);
	ck_assert_str_eq(result->err, "");
	traced_is_sound(&trace);
	ck_assert_uint_eq(trace.lost, 0);
	ck_assert_uint_ge(trace.calls[LM_CALL_MALLOC], 2 * EVENTS);
}

START_TEST(each_event_is_there_once)
{
	char arguments[64];
	struct run result;

	if (!can_run("each_event_is_there_once", "perl"))
		return;
	snprintf(arguments, sizeof arguments, "%d true %d", EVENTS / 4, 4);
	result = run_into(_i % WAYS, "", &flavours[_i / WAYS], "faults", arguments);
	is_whole(&result);
}
END_TEST

/* The calls of write() and writev() by the program and by whoever writes for it. */
static int count_writes(void)
{
	return atoi(run("grep -c 'writev*(' calls").out);
}

START_TEST(events_share_their_writes)
{
	char arguments[64];
	struct run result;

	if (!can_strace("events_share_their_writes") || !can_run("events_share_their_writes", "perl"))
		return;
	snprintf(arguments, sizeof arguments, "%d true", EVENTS);
	result = run_into(_i, "strace -f -qq -e trace=write,writev -e signal=none -o calls ", &flavours[0], "faults",
	                  arguments);
	is_whole(&result);
	ck_assert_int_gt(count_writes(), 0);
	/* The reader's are among them. */
	ck_assert_int_lt(count_writes(), EVENTS / 4);
}
END_TEST

START_TEST(what_nobody_reads_shares_its_writes_too)
{
	struct run result;

	if (!can_strace("what_nobody_reads_shares_its_writes_too"))
		return;
	result = run("strace -f -qq -e trace=write,writev -o calls env %s LOG_MALLOC_QUIET=1 "
	             "$B/tests/programs/faults %d true 1022>/dev/null",
	             flavours[0].environment, EVENTS);
	ck_assert_int_eq(result.status, 5);
	ck_assert_int_gt(count_writes(), 0);
	ck_assert_int_lt(count_writes(), EVENTS / 4);
}
END_TEST

/* Until the reader has seen all calls of its first half, the program does nothing. If it never has, run() gives up. */
#define UNTIL_SEEN "until [ $(grep -c ^.*malloc.100.0x t) -ge 20000 ]; do sleep 0.01; done"

START_TEST(a_reader_sees_all_that_a_quiet_program_did)
{
	char arguments[256];
	struct run result;

	if (!can_run("a_reader_sees_all_that_a_quiet_program_did", "perl"))
		return;
	snprintf(arguments, sizeof arguments, "%d '" UNTIL_SEEN "'", EVENTS);
	result = run_into(_i % WAYS, "", &flavours[_i / WAYS], "faults", arguments);
	is_whole(&result);
}
END_TEST

/* The relay's process: it has the program's arguments, and those have the mark. */
#define RELAY "$(pgrep -x log-malloc2 -a | grep -F %s | cut -d\" \" -f1)"

START_TEST(the_program_writes_itself_when_its_relay_is_killed)
{
	char arguments[512];
	struct run result;
	const char *mark = strrchr(scratch(), '/') + 1;

	if (!can_run("the_program_writes_itself_when_its_relay_is_killed", "pgrep"))
		return;
	snprintf(arguments, sizeof arguments, "%d '" UNTIL_SEEN "; kill -9 " RELAY "'", EVENTS, mark);
	result = run_into(FIFO, "", &flavours[_i], "faults", arguments);
	is_whole(&result);
}
END_TEST

/* Perl makes thousands of calls before it looks. 0x40000000 is __WALL: also children that wait() does not tell of. */
START_TEST(the_relay_is_not_the_programs_child)
{
	static const char *const program = "$SIG{CHLD} = sub { print qq(a signal\\n) };\n"
					   "my @kept = map { [$_] } 1 .. 20000;\n"
					   "print waitpid(-1, 0x40000000), q( ), $! + 0, qq(\\n);\n"
					   "print scalar(() = glob(q(/proc/self/task/*))), qq(\\n);\n";
	struct run result;

	if (!can_run("the_relay_is_not_the_programs_child", "perl"))
		return;
	write_file("fifo.sh", fifo, sizeof fifo - 1);
	write_file("looks.pl", program, strlen(program));
	result = run("bash fifo.sh LOG_MALLOC_QUIET=1 strace -f -qq -e trace=setsid -o calls env %s perl looks.pl; "
	             "grep -c setsid calls",
	             flavours[0].environment);
	ck_assert_str_eq(result.out, "-1 10\n1\n1\n");
}
END_TEST

/* Orphans become its children, so it would find the relay. */
START_TEST(a_program_that_adopts_orphans_gets_no_relay)
{
	struct run result;

	if (!can_run("a_program_that_adopts_orphans_gets_no_relay", "perl"))
		return;
	write_file("fifo.sh", fifo, sizeof fifo - 1);
	result = run("bash fifo.sh LOG_MALLOC_QUIET=1 strace -f -qq -e trace=setsid -e signal=none -o calls "
	             "perl -e 'syscall(%d, %d, 1, 0, 0, 0); exec @ARGV' env %s $B/tests/programs/faults %d true; "
	             "grep -c setsid calls",
	             SYS_prctl, PR_SET_CHILD_SUBREAPER, flavours[0].environment, EVENTS);
	ck_assert_str_eq(result.out, "40000\n0\n");
}
END_TEST

/* Its image is gone without a word, and what it had recorded stands in front of the next one's. */
START_TEST(an_exec_that_is_not_seen_keeps_the_order)
{
	struct run result;
	struct traced trace;

	write_file("fifo.sh", fifo, sizeof fifo - 1);
	result = run("bash fifo.sh %s LOG_MALLOC_QUIET=1 $B/tests/programs/exec_by%s raw $B/tests/programs/exec_by%s",
	             flavours[_i].environment, flavours[_i].suffix, flavours[_i].suffix);
	ck_assert_int_eq(result.status, 9);
	ck_assert_str_eq(result.err, "");
	trace = traced_read("t", false);
	ck_assert_uint_eq(trace.inits, 2);
	ck_assert_uint_eq(trace.finis, 1);
	ck_assert_uint_eq(trace.malformed, 0);
	ck_assert_str_eq(run("grep -c '^+ malloc 3301 ' t; grep -c '^+ malloc 5503 ' t; "
	                     "sed '0,/^+ INIT/d' t | sed -n '/^+ INIT/,$p' >second; "
	                     "grep -c '^+ malloc 4405 ' second; grep -c '^+ malloc 5503 ' second")
	                         .out,
	                 "1000\n10\n100\n0\n");
}
END_TEST

/* Its reader stops in the middle. Descriptor 1 is not the pipe, so there is a ring. */
START_TEST(a_reader_that_goes_away_ends_the_trace_alone)
{
	struct run result = run("rm -f fifo; mkfifo fifo; head -c 100000 fifo >t & %s LOG_MALLOC_QUIET=1 "
	                        "$B/tests/programs/faults%s %d true 1022>fifo",
	                        flavours[_i].environment, flavours[_i].suffix, EVENTS);

	ck_assert_int_eq(result.status, 5);
	ck_assert_str_eq(result.out, "40000\n");
	ck_assert_str_eq(result.err, "log-malloc2: cannot write the trace, tracing stops: its reader went away\n");
}
END_TEST

/* The pipe is full again and again; the program made it so that it does not block. */
START_TEST(a_slow_reader_gets_all)
{
	static const char *const slow =
		"use Fcntl; pipe(R, W); fcntl(W, F_SETFL, O_NONBLOCK);\n"
		"my $program = fork;\n"
		"unless ($program) { close R; use POSIX; POSIX::dup2(fileno(W), 1022); close W; exec 'env', @ARGV }\n"
		"close W; open(T, '>t');\n"
		"while (sysread(R, $bytes, 50000)) { syswrite(T, $bytes); select(undef, undef, undef, 0.002) }\n"
		"waitpid($program, 0); exit($? >> 8);\n";
	struct run result;

	if (!can_run("a_slow_reader_gets_all", "perl"))
		return;
	write_file("slow.pl", slow, strlen(slow));
	result = run("perl slow.pl %s LOG_MALLOC_QUIET=1 LOG_MALLOC_FORMAT=compact $B/tests/programs/faults%s %d true",
	             flavours[_i].environment, flavours[_i].suffix, EVENTS);
	is_whole(&result);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams");

	TIMES(each_event_is_there_once, WAYS * FLAVOURS);
	TIMES(events_share_their_writes, MESSAGES);
	ONCE(what_nobody_reads_shares_its_writes_too);
	TIMES(a_reader_sees_all_that_a_quiet_program_did, WAYS * FLAVOURS);
	TIMES(the_program_writes_itself_when_its_relay_is_killed, FLAVOURS);
	ONCE(the_relay_is_not_the_programs_child);
	ONCE(a_program_that_adopts_orphans_gets_no_relay);
	TIMES(an_exec_that_is_not_seen_keeps_the_order, FLAVOURS);
	TIMES(a_reader_that_goes_away_ends_the_trace_alone, FLAVOURS);
	TIMES(a_slow_reader_gets_all, FLAVOURS);
	return run_suite(suite);
}
