/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See flavours.h. */
#include "flavours.h"

#include <string.h>

const struct flavour flavours[FLAVOURS] = {
	{"preload", "LD_PRELOAD=$B/liblog-malloc2.so", "", true, "preload"},
	{"wrap dynamic", "", ".wrap", false, "wrap-dynamic"},
	{"wrap static", "", ".static", true, "wrap-static"},
	{"wrap static-pie", "", ".static-pie", true, "wrap-static"},
};

struct run run_traced(int flavour, const char *settings, const char *program, const char *arguments)
{
	return run("%s %s " PROGRAMS "%s%s %s 1022>trace", flavours[flavour].environment, settings, program,
	           flavours[flavour].suffix, arguments);
}

/* Check can't carry a message as long as these outputs. */
void same_output(const struct run *traced, const struct run *untraced)
{
	size_t same = 0;

	while (traced->out[same] && traced->out[same] == untraced->out[same])
		same++;
	ck_assert_msg(strcmp(traced->out, untraced->out) == 0, "the outputs differ from here on: %.100s",
	              traced->out + same);
}
