/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See commands.h. */
#include "commands.h"
#include "support.h"

#include <string.h>

void write_script(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
	must(run("chmod +x '%s'", name));
}

void build_allocating(const char *name, int count, const char *flags)
{
	static const char source[] = "#include <stdlib.h>\n"
				     "#include <unistd.h>\n"
				     "void *volatile p;\n"
				     "int main(void)\n"
				     "{\n"
				     "#ifdef WAIT_US\n"
				     "	usleep(WAIT_US);\n"
				     "#endif\n"
				     "	for (int i = 0; i < COUNT; i++)\n"
				     "		p = malloc(10);\n"
				     "	return 0;\n"
				     "}\n";

	write_file("allocating.c", source, sizeof source - 1);
	must(run("$CC -O1 -fno-builtin-malloc -DCOUNT=%d -o %s allocating.c %s", count, name, flags));
}

bool says(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}
