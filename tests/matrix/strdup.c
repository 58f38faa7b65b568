/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing of the family is called by name: the leak is libc's allocation for this program. */
#include <stdio.h>
#include <string.h>

char *volatile kept;

__attribute__((noinline)) static void keep_name(const char *name)
{
	kept = strdup(name);
	if (!kept)
		perror("strdup");
}

int main(int argc, char **argv)
{
	(void)argc;
	keep_name(argv[0][0] ? "forty-two letters, and the NUL behind them" : "");
	kept = NULL;
	return 0;
}
