/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that run while log-malloc attaches to them: for command lines of run(). */
#ifndef LM_TESTS_RUNNING_PROGRAMS_H
#define LM_TESTS_RUNNING_PROGRAMS_H

#include "support.h"

/*
 * A shell function: starts a program in the background, whose number is $p, and waits until it says that it is ready.
 * Its standard input is the pipe of descriptor 7. What it prints goes to the file "out".
 */
#define START                                                                                                          \
	"start() { rm -f in; mkfifo in; : >out; \"$@\" <in >out 2>&1 & p=$!; exec 7>in; "                              \
	"for i in $(seq 500); do grep -q ready out && return; sleep 0.02; done; false; }; "                            \
	"lines() { for i in $(seq 500); do [ $(grep -c done out) -ge $1 ] && return; sleep 0.02; done; false; }; "

/* Ends it, and shows what it printed. */
#define STOP "kill -TERM $p; wait $p; echo \"status $?\" >>out; cat out"

#endif
