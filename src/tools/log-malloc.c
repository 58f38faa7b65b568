/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log-malloc: runs a command with the tracker in it and a trace behind it, and
 * passes on how it ended. What may differ for the command from a run without:
 * LD_PRELOAD, the LOG_MALLOC_* variables, and descriptor 1022.
 */
#include "children.h"
#include "cli.h"
#include "destination.h"
#include "diag.h"
#include "escape.h"
#include "tally.h"
#include "target.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "log-malloc"
#define LIBRARY "liblog-malloc2.so"

/* As a shell has it. */
#define STATUS_NOEXEC  126
#define STATUS_MISSING 127
#define STATUS_SIGNAL  128

/* What the tracker accepts. */
#define STATM_MS_MAX 3600000
#define NAME(signal) #signal,
static const char *const toggle_signals[] = {LM_TOGGLE_SIGNALS(NAME)};
#undef NAME

/* The tracker's settings that have options, in the order in which they are shown. */
enum setting {
	SETTING_DEPTH,
	SETTING_STATM,
	SETTING_FORMAT,
	SETTING_START,
	SETTING_SIGNAL,
	SETTING_FOLLOW,
	SETTING_QUIET,
	SETTINGS
};

static const char *const variables[SETTINGS] = {
	[SETTING_DEPTH] = "LOG_MALLOC_BACKTRACE_DEPTH", [SETTING_STATM] = "LOG_MALLOC_STATM",
	[SETTING_FORMAT] = "LOG_MALLOC_FORMAT",         [SETTING_START] = "LOG_MALLOC_START",
	[SETTING_SIGNAL] = "LOG_MALLOC_SIGNAL",         [SETTING_FOLLOW] = "LOG_MALLOC_FOLLOW",
	[SETTING_QUIET] = "LOG_MALLOC_QUIET",
};

struct options {
	const char *output;
	const char *settings[SETTINGS]; /* NULL: as the environment has it */
	int quiet, verbose;
	char **command;
};

/* What the command's process reports to us if it does not run the command: DESTINATION_DONE if that itself failed. */
struct failure {
	enum destination_step step;
	int error;
};

/* ---- options ---------------------------------------------------------------- */

static void help(void)
{
	puts("Usage: log-malloc [OPTION]... [--] COMMAND [ARG...]\n"
	     "Runs COMMAND and writes a trace of its allocations.\n"
	     "\n"
	     "  -o, --output FILE  where the trace goes: a file (%p in its name: the process id)\n"
	     "                     or - for standard error; without it to descriptor 1022 if\n"
	     "                     that is open, or to log-malloc.PID.trace\n"
	     "  -f, --follow       the processes that COMMAND starts, too, each into FILE.PID, or\n"
	     "                     where %p stands in FILE\n"
	     "      --depth N      frames of a backtrace, 0 to 128 (default 16)\n"
	     "      --statm WHEN   /proc/self/statm in events: always, never, or the interval\n"
	     "                     in milliseconds (default 10)\n"
	     "      --compact      each different backtrace is written once: a small trace\n"
	     "      --start WHEN   on, or off: no tracing until the command calls\n"
	     "                     log_malloc_trace_enable() or gets the signal (default on)\n"
	     "      --signal NAME  turns tracing off and on, USR2 for one (default none)\n"
	     "  -q, --quiet        no banner, no closing line\n"
	     "  -v, --verbose      what is run and with which settings, on standard error\n"
	     "  -h, --help         this text\n"
	     "  -V, --version      the version\n"
	     "\n"
	     "The exit status is COMMAND's (128+N for signal N); 127 if there is no COMMAND,\n"
	     "126 if it can't be run, 2 if it can't be traced or log-malloc is used wrongly.\n"
	     "Then: log-malloc-findleak FILE");
	exit(cli_finish(CLI_OK));
}

/* Is TEXT a decimal number from 0 to MAX? */
static int is_number(const char *text, unsigned long max)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return 0;
	errno = 0;
	return strtoul(text, &end, 10) <= max && errno == 0;
}

static int is_signal(const char *name)
{
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 0; i < sizeof toggle_signals / sizeof *toggle_signals; i++) {
		if (strcmp(name, toggle_signals[i]) == 0)
			return 1;
	}
	return 0;
}

static void check_settings(const char *const settings[SETTINGS])
{
	const char *depth = settings[SETTING_DEPTH], *statm = settings[SETTING_STATM];
	const char *start = settings[SETTING_START], *signal = settings[SETTING_SIGNAL];

	if (depth && !is_number(depth, LM_BACKTRACE_DEPTH_MAX))
		cli_usage_error("--depth %s: it has to be a number from 0 to %d", depth, LM_BACKTRACE_DEPTH_MAX);
	if (statm && strcmp(statm, "always") != 0 && strcmp(statm, "never") != 0 && !is_number(statm, STATM_MS_MAX))
		cli_usage_error("--statm %s: it has to be always, never or a number of milliseconds", statm);
	if (start && strcmp(start, "on") != 0 && strcmp(start, "off") != 0)
		cli_usage_error("--start %s: it has to be on or off", start);
	if (signal && !is_signal(signal))
		cli_usage_error("--signal %s: it has to be a signal such as USR1, USR2, HUP or WINCH", signal);
}

static void check_options(const struct options *options)
{
	if (options->output && !*options->output)
		cli_usage_error("--output needs the name of a file");
	check_settings(options->settings);
	if (!options->command[0])
		cli_usage_error("which command is to be traced?");
}

static struct options parse(int argc, char **argv)
{
	enum { OPT_SETTING = 256, OPT_COMPACT = OPT_SETTING + SETTINGS };
	static const struct option long_options[] = {
		{"output", required_argument, NULL, 'o'},
		{"follow", no_argument, NULL, 'f'},
		{"quiet", no_argument, NULL, 'q'},
		{"verbose", no_argument, NULL, 'v'},
		{"depth", required_argument, NULL, OPT_SETTING + SETTING_DEPTH},
		{"statm", required_argument, NULL, OPT_SETTING + SETTING_STATM},
		{"compact", no_argument, NULL, OPT_COMPACT},
		{"start", required_argument, NULL, OPT_SETTING + SETTING_START},
		{"signal", required_argument, NULL, OPT_SETTING + SETTING_SIGNAL},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {.output = NULL};
	int c;

	while ((c = getopt_long(argc, argv, "+o:fqvhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'o':
			options.output = optarg;
			break;
		case 'f':
			options.settings[SETTING_FOLLOW] = "1";
			break;
		case 'q':
			options.quiet = 1;
			options.settings[SETTING_QUIET] = "1";
			break;
		case 'v':
			options.verbose = 1;
			break;
		case OPT_COMPACT:
			options.settings[SETTING_FORMAT] = "compact";
			break;
		case OPT_SETTING + SETTING_DEPTH:
		case OPT_SETTING + SETTING_STATM:
		case OPT_SETTING + SETTING_START:
		case OPT_SETTING + SETTING_SIGNAL:
			options.settings[c - OPT_SETTING] = optarg;
			break;
		case 'h':
			help();
			break;
		case 'V':
			cli_version();
		default:
			cli_usage_hint();
		}
	}
	options.command = argv + optind;
	check_options(&options);
	return options;
}

/* ---- the library -------------------------------------------------------------- */

static int is_library(char *path, size_t size, const char *directory, const char *below)
{
	int n = snprintf(path, size, "%s%s/%s", directory, below, LIBRARY);

	return n > 0 && (size_t)n < size && access(path, R_OK) == 0;
}

/* The path of this program, of which NAME is what it was called by; empty where it can't be told. */
static void find_self(char own[PATH_MAX], const char *name)
{
	ssize_t n = readlink("/proc/self/exe", own, PATH_MAX - 1);
	char called[PATH_MAX];

	own[n > 0 ? n : 0] = '\0';
	/* There need not be a /proc. */
	if (n <= 0 && (target_search(called, name) != 0 || !realpath(called, own)))
		own[0] = '\0';
}

/* The build tree's first, then the one installed beside this program, then where it was meant to be. */
static int find_library(char *path, size_t size, const char *name)
{
	char own[PATH_MAX];
	char *slash;

	find_self(own, name);
	slash = strrchr(own, '/');
	if (slash) {
		*slash = '\0';
		if (is_library(path, size, own, ""))
			return 1;
		slash = strrchr(own, '/');
		if (slash) {
			*slash = '\0';
			if (is_library(path, size, own, "/lib"))
				return 1;
		}
	}
	return is_library(path, size, LM_LIBDIR, "");
}

/* What LD_PRELOAD has to be: ours first. NULL if it can't be said there. */
static char *preload_list(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *list;

	/* The loader splits at both. */
	if (strpbrk(library, " :"))
		return NULL;
	if (asprintf(&list, "%s%s%s", library, others && *others ? ":" : "", others ? others : "") < 0)
		return NULL;
	return list;
}

static void set_environment(const struct options *options, const char *preload)
{
	if (preload)
		setenv("LD_PRELOAD", preload, 1);
	for (int i = 0; i < SETTINGS; i++) {
		if (options->settings[i])
			setenv(variables[i], options->settings[i], 1);
	}
}

/* ---- signals ------------------------------------------------------------------ */

/*
 * The terminal sends these two to the command as well, which may live on.
 * SIGCHLD, if ignored, would take the exit status away. The rest is passed on.
 */
static const int ignored[] = {SIGINT, SIGQUIT};
static const int forwarded[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

enum { IGNORED = sizeof ignored / sizeof *ignored, FORWARDED = sizeof forwarded / sizeof *forwarded };

/* As they were, for the command. */
static struct {
	struct sigaction ignored[IGNORED], forwarded[FORWARDED], child;
	sigset_t mask;
} before;

static volatile sig_atomic_t command_pid;

static void forward(int signal)
{
	int saved_errno = errno;

	if (command_pid > 0)
		kill((pid_t)command_pid, signal);
	errno = saved_errno;
}

/* Called with the forwarded signals blocked, until there is a process to forward to. */
static void take_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, deflt = {.sa_handler = SIG_DFL};
	struct sigaction pass = {.sa_handler = forward, .sa_flags = SA_RESTART};
	sigset_t block;

	sigemptyset(&block);
	for (int i = 0; i < FORWARDED; i++)
		sigaddset(&block, forwarded[i]);
	sigprocmask(SIG_BLOCK, &block, &before.mask);
	sigaction(SIGCHLD, &deflt, &before.child);
	for (int i = 0; i < IGNORED; i++)
		sigaction(ignored[i], &ignore, &before.ignored[i]);
	for (int i = 0; i < FORWARDED; i++) {
		sigaction(forwarded[i], &pass, &before.forwarded[i]);
		/* What nohup has turned off stays off. */
		if (before.forwarded[i].sa_handler == SIG_IGN)
			sigaction(forwarded[i], &ignore, NULL);
	}
}

/* In the child: everything as it was. */
static void give_signals_back(void)
{
	sigaction(SIGCHLD, &before.child, NULL);
	for (int i = 0; i < IGNORED; i++)
		sigaction(ignored[i], &before.ignored[i], NULL);
	for (int i = 0; i < FORWARDED; i++)
		sigaction(forwarded[i], &before.forwarded[i], NULL);
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
}

/* ---- running it --------------------------------------------------------------- */

/* Turns into the command. Reports to the descriptor REPORT why it could not. */
_Noreturn static void be_command(const struct options *options, const struct target *target, struct destination *to,
                                 const char *preload, int report)
{
	struct failure failure;

	give_signals_back();
	failure.step = destination_set_up(to);
	if (failure.step == DESTINATION_DONE) {
		set_environment(options, preload);
		execvp(target->path, options->command);
	}
	failure.error = errno;
	if (write(report, &failure, sizeof failure) < 0)
		_exit(CLI_TROUBLE);
	_exit(STATUS_MISSING);
}

static int explain(const struct failure *failure, const struct target *target, const struct destination *to)
{
	struct rlimit limit = {.rlim_max = 0};

	switch (failure->step) {
	case DESTINATION_OPEN:
		cli_error("cannot open the trace %s: %s", to->path, strerror(failure->error));
		return CLI_TROUBLE;
	case DESTINATION_LIMIT:
		getrlimit(RLIMIT_NOFILE, &limit);
		cli_error("the trace needs descriptor %d, and the hard limit of open files is %ju: raise it "
		          "(ulimit -Hn) to more than that",
		          LM_TRACE_FD, (uintmax_t)limit.rlim_max);
		return CLI_TROUBLE;
	case DESTINATION_DUP:
		cli_error("cannot make %s descriptor %d: %s",
		          to->kind == DESTINATION_STDERR ? "standard error" : to->path, LM_TRACE_FD,
		          strerror(failure->error));
		return CLI_TROUBLE;
	case DESTINATION_DONE:
		break;
	}
	cli_error("%s: %s", target->path, strerror(failure->error));
	return failure->error == ENOENT ? STATUS_MISSING : STATUS_NOEXEC;
}

/* Reads a report from the child; 1 if there was one. */
static int read_failure(int fd, struct failure *failure)
{
	ssize_t n;

	do {
		n = read(fd, failure, sizeof *failure);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *failure;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		cli_error("cannot wait for the command: %s", strerror(errno));
		exit(CLI_TROUBLE);
	}
	return status;
}

/*
 * Starts the command and waits for its end: 0 with STATUS as of waitpid(), or
 * the exit status for trouble. COMMAND: its process.
 */
static int run_command(const struct options *options, const struct target *target, struct destination *to,
                       const char *preload, pid_t *command, int *status)
{
	const struct diag diag = {.report = cli_complain};
	struct failure failure;
	int report[2];
	int failed;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) != 0) {
		cli_error("cannot make a pipe: %s", strerror(errno));
		return CLI_TROUBLE;
	}
	take_signals();
	pid = fork();
	if (pid < 0) {
		cli_error("cannot start a process: %s", strerror(errno));
		return CLI_TROUBLE;
	}
	if (pid == 0)
		be_command(options, target, to, preload, report[1]);
	*command = pid;
	command_pid = pid;
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
	close(report[1]);
	destination_name(to, pid);
	failed = read_failure(report[0], &failure);
	close(report[0]);
	/* Now, so that it is the right one whatever the command does with the name later. */
	if (!failed)
		destination_follow(to);
	*status = wait_for(pid);
	command_pid = 0;
	if (failed)
		return explain(&failure, target, to);
	destination_complete(to, pid, &diag);
	return 0;
}

/* ---- what is said ------------------------------------------------------------- */

/* As the command has it; NULL if it is left to the tracker. */
static const char *setting(const struct options *options, enum setting number)
{
	const char *value = options->settings[number] ? options->settings[number] : getenv(variables[number]);

	return value && *value ? value : NULL;
}

static int is_following(const struct options *options)
{
	const char *follow = setting(options, SETTING_FOLLOW);

	return follow && strcmp(follow, "1") == 0;
}

static void say_settings(const struct options *options, const struct target *target, const struct destination *to,
                         const char *library)
{
	cli_error("library: %s", library ? library : "none, the tracker is linked into the program");
	if (strcmp(target->path, target->program) == 0)
		cli_error("command: %s", target->path);
	else
		cli_error("command: %s, run by %s", target->path, target->program);
	switch (to->kind) {
	case DESTINATION_FILE:
		cli_error("trace: %s", to->name);
		if (to->childrens)
			cli_error("traces of other processes: %s", to->childrens);
		break;
	case DESTINATION_STDERR:
		cli_error("trace: standard error");
		break;
	case DESTINATION_INHERITED:
		cli_error("trace: descriptor %d, %s", LM_TRACE_FD, to->path);
		break;
	}
	for (int i = 0; i < SETTINGS; i++) {
		const char *value = setting(options, (enum setting)i);

		cli_error("%s: %s", variables[i], value ? value : "default");
	}
}

/* As bash and others have it: nothing in it reaches the terminal as it is. */
static void print_dollar_quoted(const char *path)
{
	fputs(path[0] == '-' ? "./$'" : "$'", stderr);
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c == '\'' || c == '\\')
			fprintf(stderr, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(stderr, "\\%03o", c);
		else
			fputc(c, stderr);
	}
	fputc('\'', stderr);
}

static int has_control_bytes(const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path < 0x20 || *path == 0x7f)
			return 1;
	}
	return 0;
}

/* PATH as it has to be typed. */
static void print_quoted(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	if (path[0] != '-' && strspn(path, plain) == strlen(path)) {
		fputs(path, stderr);
		return;
	}
	if (has_control_bytes(path)) {
		print_dollar_quoted(path);
		return;
	}
	fputs(path[0] == '-' ? "./'" : "'", stderr);
	for (; *path; path++) {
		if (*path == '\'')
			fputs("'\\''", stderr);
		else
			fputc(*path, stderr);
	}
	fputc('\'', stderr);
}

static void say_nothing_seen(const struct options *options, const struct tally *tally, const char *path)
{
	const char *start = setting(options, SETTING_START);

	if (start && strcmp(start, "off") == 0)
		cli_error("no event in %s: tracing was off from the start, and nothing turned it on while the command "
		          "allocated",
		          path);
	else if (tally->starts == 0)
		cli_error("no event in %s: the tracker was not at work; the command may have cleared its environment, "
		          "or closed descriptor %d at its start",
		          path, LM_TRACE_FD);
	else
		cli_error("no event in %s: the command allocated nothing itself; processes that it starts are traced "
		          "with -f only, and an allocator of its own never",
		          path);
}

/* Bytes, in the unit that they are best thought of in. */
static void print_bytes(uintmax_t bytes)
{
	if (bytes >> 20 < 10000)
		fprintf(stderr, "%ju MiB", bytes >> 20);
	else
		fprintf(stderr, "%.1f GiB", (double)bytes / (1 << 30));
}

static void print_lost(const struct tally *tally)
{
	if (tally->lost)
		fprintf(stderr, ", %ju more could not be written", tally->lost);
}

static void print_saving(const struct tally *tally)
{
	if (tally->saving >> 20 == 0)
		return;
	fputs(", ", stderr);
	print_bytes(tally->saving);
	fprintf(stderr, " (%ju%%) less with --compact", tally->saving * 100 / tally->bytes);
}

/* Of so many processes each has a line. */
enum { LINES = 20 };

struct others {
	uintmax_t count, events, bytes; /* of those without a line */
	int lines;
};

static void say_child(void *context, const char *path, pid_t pid, int runs, const struct tally *tally)
{
	char *exe = escape_printable(tally->exe, strlen(tally->exe));
	struct others *others = context;

	if (others->lines < LINES) {
		others->lines++;
		fprintf(stderr, "%s: process %d%s%s%s: %ju event%s, %ju bytes in ", PROGRAM, (int)pid,
		        runs ? ", which still runs" : "", exe && *exe ? ", " : "", exe ? exe : "", tally->events,
		        tally->events == 1 ? "" : "s", tally->bytes);
		print_quoted(path);
		print_lost(tally);
		fputc('\n', stderr);
	} else {
		others->count++;
		others->events += tally->events;
		others->bytes += tally->bytes;
	}
	free(exe);
}

static void say_nothing(void *context, const char *path, pid_t pid, int runs, const struct tally *tally)
{
	(void)context, (void)path, (void)pid, (void)runs, (void)tally;
}

/* Their journals are put where they belong in any case. */
static void finish_children(const struct options *options, const struct destination *to, pid_t command,
                            const struct timespec *since)
{
	const struct diag diag = {.report = cli_complain};
	struct others others = {.count = 0};
	int error;

	if (!to->childrens)
		return;
	error = children_each(to, command, since, &diag, options->quiet ? say_nothing : say_child, &others);
	if (error)
		cli_error("cannot read the traces of the processes that the command started: %s", strerror(error));
	if (others.count)
		cli_error("%ju more processes: %ju events, %ju bytes", others.count, others.events, others.bytes);
}

static void say_result(const struct options *options, const struct destination *to, int status)
{
	struct tally tally;
	char *shown;
	int error;

	if (to->kind == DESTINATION_STDERR)
		return;
	if (to->fd < 0) {
		cli_error("the trace went to %s, which can not be read again", to->path);
		return;
	}
	error = tally_file(to->fd, to->start, &tally);
	if (error) {
		cli_error("cannot read the trace %s: %s", to->path, strerror(error));
		return;
	}
	if (tally.events == 0) {
		say_nothing_seen(options, &tally, to->path);
		return;
	}
	fprintf(stderr, "%s: ", PROGRAM);
	if (WIFSIGNALED(status))
		fprintf(stderr, "the command was ended by signal %d (%s); ", WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	shown = escape_printable(to->path, strlen(to->path));
	fprintf(stderr, "%ju event%s, %ju bytes in %s", tally.events, tally.events == 1 ? "" : "s", tally.bytes,
	        shown ? shown : "?");
	free(shown);
	print_lost(&tally);
	print_saving(&tally);
	fputs("; next: log-malloc-findleak ", stderr);
	print_quoted(to->path);
	fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	char library_path[PATH_MAX];
	const char *library = NULL;
	struct options options;
	struct target target;
	struct destination to;
	enum target_verdict verdict;
	char *preload = NULL;
	struct timespec since;
	int status, trouble;
	pid_t command;

	cli_start(PROGRAM);
	options = parse(argc, argv);
	verdict = target_inspect(&target, options.command[0]);
	if (verdict != TARGET_PRELOAD && verdict != TARGET_LINKED) {
		cli_error("%s", target.reason);
		return verdict == TARGET_MISSING  ? STATUS_MISSING
		       : verdict == TARGET_NOEXEC ? STATUS_NOEXEC
		                                  : CLI_TROUBLE;
	}
	if (verdict == TARGET_PRELOAD) {
		if (!find_library(library_path, sizeof library_path, argv[0])) {
			cli_error("%s is neither beside this program nor in %s", LIBRARY, LM_LIBDIR);
			return CLI_TROUBLE;
		}
		library = library_path;
		preload = preload_list(library);
		if (!preload) {
			cli_error("LD_PRELOAD can not name %s: a blank or colon is in it", library);
			return CLI_TROUBLE;
		}
	}
	destination_choose(&to, options.output);
	if (is_following(&options) && destination_follow_children(&to) != 0) {
		cli_error("--follow: the trace is no file that those of other processes could be beside");
		return CLI_TROUBLE;
	}
	/* The clock of files' times. */
	clock_gettime(CLOCK_REALTIME_COARSE, &since);
	if (options.verbose)
		say_settings(&options, &target, &to, library);
	trouble = run_command(&options, &target, &to, preload, &command, &status);
	free(preload);
	if (trouble)
		return trouble;
	if (!options.quiet)
		say_result(&options, &to, status);
	finish_children(&options, &to, command, &since);
	free(to.childrens);
	return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
