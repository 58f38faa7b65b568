/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads and unloads two libraries that the loader puts at the same address;
 * each allocates in a function of its own name.
 *
 *     plugin first.so first_function second.so second_function
 */
#include <dlfcn.h>
#include <stdio.h>

static int use(const char *library, const char *function)
{
	void *handle = dlopen(library, RTLD_NOW);
	void *(*allocate)(unsigned long);

	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&allocate = dlsym(handle, function);
	if (!allocate || !allocate(10))
		return 1;
	return dlclose(handle);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	for (int i = 0; i < 3; i++) {
		if (use(argv[1], argv[2]) != 0 || use(argv[3], argv[4]) != 0)
			return 1;
	}
	return 0;
}
