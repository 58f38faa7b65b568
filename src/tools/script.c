/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See script.h. */
#include "script.h"
#include "which.h"

#include <string.h>
#include <unistd.h>

/*
 * The command that "#!/usr/bin/env" runs: its first argument that is neither an
 * option nor an assignment. NULL if there is none.
 */
static char *env_command(char *arguments)
{
	char *rest = NULL, *word;

	for (word = strtok_r(arguments, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (word[0] == '-' && word[1] == 'S' && word[2])
			word += 2;
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

bool script_interpreter(int fd, char *name)
{
	char line[SCRIPT_LINE + 1];
	ssize_t n = pread(fd, line, SCRIPT_LINE, 0);
	const char *base;
	char *end, *command;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	command = line + 2 + strspn(line + 2, " \t");
	end = command + strcspn(command, " \t");
	if (*end)
		*end++ = '\0';
	base = strrchr(command, '/');
	if (base && strcmp(base, "/env") == 0 && which_runnable(command) == 0) {
		char *inner = env_command(end);

		command = inner ? inner : command;
	}
	memmove(name, command, strlen(command) + 1);
	return true;
}
