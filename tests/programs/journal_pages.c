/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * journal_pages COUNT [fork]: how many KiB of a journal's pages the process itself has in memory, behind COUNT mallocs
 * and frees of a mebibyte. With fork, all that is done by a child.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long resident_kib(void)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	int is_journal = 0;
	long kib, sum = 0;
	char line[8192];

	if (!maps)
		return -1;
	while (fgets(line, sizeof line, maps)) {
		if (strchr(line, '/') || strchr(line, '-'))
			is_journal = strstr(line, ".journal") != NULL;
		else if (is_journal && sscanf(line, "Rss: %ld", &kib) == 1)
			sum += kib;
	}
	fclose(maps);
	return sum;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 0;
	int status;

	if (argc > 2 && fork() != 0)
		return wait(&status) < 0 || status != 0;
	for (long i = 0; i < count; i++) {
		char *block = malloc(1 << 20);

		if (!block)
			return 1;
		*block = (char)i;
		free(block);
	}
	printf("%ld\n", resident_kib());
	return 0;
}
