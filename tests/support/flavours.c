/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See flavours.h. */
#include "flavours.h"

const struct flavour flavours[FLAVOURS] = {
	{"preload", "LD_PRELOAD=$B/liblog-malloc2.so", "", true},
	{"wrap dynamic", "", ".wrap", false},
	{"wrap static", "", ".static", true},
	{"wrap static-pie", "", ".static-pie", true},
};

struct run run_traced(int flavour, const char *settings, const char *program, const char *arguments)
{
	return run("%s %s " PROGRAMS "%s%s %s 1022>trace", flavours[flavour].environment, settings, program,
	           flavours[flavour].suffix, arguments);
}

void add_test(Suite *suite, const char *name, const TTest *test, int times)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 180);
	if (times)
		tcase_add_loop_test(tcase, test, 0, times);
	else
		tcase_add_test(tcase, test);
	suite_add_tcase(suite, tcase);
}
