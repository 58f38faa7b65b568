/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A program that crashes with blocks in use. The trace is complete up to the
 * crash, and the handler prints where it was, for backtrace2line:
 *
 *	cc -g -o segv-01 segv-01.c
 *	log-malloc -q -o segv-01.trace ./segv-01 2>segv-01.backtrace
 *	log-malloc-findleak segv-01.trace
 *	backtrace2line segv-01.backtrace
 */
#include "log-malloc2_util.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
	int number;
	char *text;
};

/* Ends the program as it would have ended, with the signal. */
static void crashed(int signal)
{
	log_malloc_backtrace(STDERR_FILENO);
	raise(signal);
}

/* On a stack of its own, since a full stack is one way to get here; the default action comes back with the first. */
static void report_crashes(void)
{
	static char stack[1 << 16];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = crashed;
	action.sa_flags = (int)SA_RESETHAND | SA_ONSTACK;
	log_malloc_backtrace_init();
	sigaltstack(&alternate, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static struct job *new_job(int number)
{
	struct job *job = calloc(1, sizeof *job);

	if (!job)
		exit(EXIT_FAILURE);
	job->number = number;
	/* The mistake: the third has no text. */
	if (number != 3)
		job->text = malloc(32);
	return job;
}

static void run_job(struct job *job)
{
	strcpy(job->text, "done");
	printf("job %d: %s\n", job->number, job->text);
	free(job->text);
	free(job);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	report_crashes();
	for (int i = 1; i <= 4; i++)
		run_job(new_job(i));
	return EXIT_SUCCESS;
}
