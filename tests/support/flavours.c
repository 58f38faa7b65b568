/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See flavours.h. */
#include "flavours.h"

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
