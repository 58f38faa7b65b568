/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A static program takes no preloaded library; it is linked with the tracker
 * instead, and then shows even what libc allocates inside, here in strdup()
 * and getline().
 *
 *	cc -g -static -o static-01 static-01.c $(pkg-config --static --cflags --libs log-malloc2-wrap)
 *	./static-01 1022>static-01.trace
 *	log-malloc-findleak static-01.trace
 *
 * log-malloc -o static-01.trace ./static-01 does the same: it sees that the
 * tracker is in the program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest line of a stream, for the caller to release. */
static char *longest_line(FILE *stream)
{
	char *line = NULL, *longest = NULL;
	size_t room = 0, length = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stream)) > 0) {
		if ((size_t)n <= length)
			continue;
		length = (size_t)n;
		/* The mistake: the one that was the longest so far is lost. */
		longest = strdup(line);
	}
	free(line);
	return longest;
}

int main(void)
{
	static char text[] = "a\nlonger\nand longer\nlines\n";
	FILE *stream = fmemopen(text, strlen(text), "r");
	char *longest;

	/* The stream's buffer would be a block of its own. */
	setvbuf(stdout, NULL, _IONBF, 0);
	if (!stream)
		return EXIT_FAILURE;
	longest = longest_line(stream);
	fclose(stream);
	printf("the longest line: %s", longest ? longest : "none\n");
	free(longest);
	return EXIT_SUCCESS;
}
