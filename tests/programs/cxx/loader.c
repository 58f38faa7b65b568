/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program in C that loads the library of plugin.cc, whose operators nobody else finds. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < 3 && argc > 1; i++) {
		void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
		void *(*make)(void);
		int (*take)(void *);

		if (!library)
			return 1;
		*(void **)&make = dlsym(library, "make");
		*(void **)&take = dlsym(library, "take");
		printf("%d\n", take(make()));
		dlclose(library);
	}
	return 0;
}
