/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Two blocks, one of them never released.
 *
 *	cc -g -o leak-01 leak-01.c
 *	log-malloc -o leak-01.trace ./leak-01
 *	log-malloc-findleak leak-01.trace
 */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *page = malloc(2000);
	char *line = malloc(100);

	if (!page || !line)
		return EXIT_FAILURE;
	memset(page, ' ', 2000);
	memset(line, '-', 100);
	/* The page should go, too. */
	free(line);
	return EXIT_SUCCESS;
}
