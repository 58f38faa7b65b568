/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program "faults", whose trace runs into trouble in the middle. */
#ifndef LM_TESTS_FAULTS_H
#define LM_TESTS_FAULTS_H

#include "both_ways.h"

/* Twice so many calls and their releases, with something between: journal and all. */
#define EVENTS "20000"

/* It did with EVENTS what it does untraced. */
void is_unaffected(const struct run *result);

/* BEFORE is of the shell's; COMMAND is run in the middle of the program. The trace is "t". */
struct run run_faults(int flavour, const char *before, const char *command);

#endif
