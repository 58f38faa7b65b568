/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See small_trace.h. */
#include "small_trace.h"
#include "support.h"

#include <string.h>

const char small_trace[] = "# PID 7\n"
			   "# PROCESS 1f\n"
			   "# EXE /opt/one\n"
			   "# CWD /opt\n"
			   "# FORMAT full\n"
			   "+ INIT [0:0] malloc=0 calloc=0\n"
			   "# MODULE 1000-3000 0 - /opt/one\n"
			   "# TIME 0\n"
			   "+ malloc 100 0x5000 [100:104] #1 2 3 4 5 6 7\n"
			   "/opt/one(_ZL4growv+0x12)[0x1012]\n"
			   "/opt/one(main+0x40)[0x1140]\n"
			   "+ malloc 0 0x6000 [100:128]\n"
			   "/opt/one(main+0x50)[0x1150]\n"
			   "# TIME 100\n"
			   "+ realloc 100 0x5000 0x7000 (100 200) [200:232] #1 2 3 4 5 6 7\n"
			   "/opt/one(_ZL4growv+0x22)[0x1022]\n"
			   "/opt/one(main+0x60)[0x1160]\n"
			   "# a word of the program\n"
			   "+ free 0 0x6000 [200:208]\n"
			   "# TIME 200\n"
			   "+ free -200 0x7000 [0:0] later=1 #1 2 3 4 5 6 7\n"
			   "# CALLING realloc 0 0x9 (nil) (0 5) [0:0]\n"
			   "/opt/one(main+0x70)[0x1170]\n"
			   "# LOST 3\n"
			   "+ malloc 0 (nil) (9) [0:0] !e12\n"
			   "/opt/one(main+0x50)[0x1150]\n"
			   "+ FINI [0:0] malloc=3 calloc=0\n"
			   "# FILE /proc/self/maps\n"
			   "00001000-00003000 r-xp 00000000 00:00 0 /opt/one\n";

const char small_trace_compact[] = "# PID 7\n"
				   "# PROCESS 1f\n"
				   "# EXE /opt/one\n"
				   "# CWD /opt\n"
				   "# FORMAT compact\n"
				   "+ INIT [0:0] malloc=0 calloc=0\n"
				   "# MODULE 1000-3000 0 - /opt/one\n"
				   "# BACKTRACE 1\n"
				   "/opt/one(_ZL4growv+0x12)[0x1012]\n"
				   "/opt/one(main+0x40)[0x1140]\n"
				   "# TIME 0\n"
				   "+ malloc 100 0x5000 [100:104] bt=1 #1 2 3 4 5 6 7\n"
				   "# BACKTRACE 2\n"
				   "/opt/one(main+0x50)[0x1150]\n"
				   "+ malloc 0 0x6000 [100:128] bt=2\n"
				   "# BACKTRACE 3\n"
				   "/opt/one(_ZL4growv+0x22)[0x1022]\n"
				   "/opt/one(main+0x60)[0x1160]\n"
				   "# TIME 100\n"
				   "+ realloc 100 0x5000 0x7000 (100 200) [200:232] bt=3 #1 2 3 4 5 6 7\n"
				   "# a word of the program\n"
				   "+ free 0 0x6000 [200:208]\n"
				   "# TIME 200\n"
				   "+ free -200 0x7000 [0:0] later=1 #1 2 3 4 5 6 7\n"
				   "# BACKTRACE 4\n"
				   "/opt/one(main+0x70)[0x1170]\n"
				   "# CALLING realloc 0 0x9 (nil) (0 5) [0:0] bt=4\n"
				   "# LOST 3\n"
				   "+ malloc 0 (nil) (9) [0:0] !e12 bt=2\n"
				   "+ FINI [0:0] malloc=3 calloc=0\n"
				   "# FILE /proc/self/maps\n"
				   "00001000-00003000 r-xp 00000000 00:00 0 /opt/one\n";

void write_small(void)
{
	write_file("small", small_trace, strlen(small_trace));
	write_file("compact", small_trace_compact, strlen(small_trace_compact));
}

void cat_writes(const char *options, const char *expected)
{
	struct run r = run(CAT "%s", options);

	ck_assert_msg(r.status == 0 && !r.err_len, "%s: %d: %s", options, r.status, r.err);
	ck_assert_msg(strcmp(r.out, expected) == 0, "%s:\n%s", options, r.out);
}
