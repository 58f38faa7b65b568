/* SPDX-License-Identifier: GPL-3.0-or-later */
/* log-malloc -p PID: traces a process that runs already, and ends that. */
#ifndef LM_ATTACH_COMMAND_H
#define LM_ATTACH_COMMAND_H

#include "cli.h"

struct launch_options;

/* What OPTIONS ask for, after their PID. OWN_NAME is what this program was called as. */
enum cli_status attach_command(const struct launch_options *options, const char *own_name);

#endif
