/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Libraries that come and go; each has a function that allocates, and give(), which releases.
 *
 *     loading churn ROUNDS FIRST.so FUNCTION SECOND.so FUNCTION
 *         each by turns, which allocates 25001 or 25002 bytes; prints what mappings and resident KiB that has cost
 *     loading deepbind LIBRARY.so FUNCTION
 *         100 of its blocks are released here and 100 of ours there
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *allocate(unsigned long size);
typedef void release(void *p);

static void *open_library(const char *path, int flags, const char *name, allocate **function)
{
	void *library = dlopen(path, RTLD_NOW | flags);

	if (!library || !(*(void **)function = dlsym(library, name))) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return library;
}

static void use(const char *path, const char *name, unsigned long size)
{
	allocate *function;
	void *library = open_library(path, 0, name, &function);

	free(function(size));
	dlclose(library);
}

struct cost {
	long mappings, resident;
};

static struct cost measure(void)
{
	char line[PATH_MAX + 200];
	struct cost cost = {0, 0};
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof line, f))
		cost.mappings++;
	if (f)
		fclose(f);
	f = fopen("/proc/self/status", "re");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "VmRSS: %ld", &cost.resident);
	if (f)
		fclose(f);
	return cost;
}

static int churn(char **argv)
{
	long rounds = strtol(argv[0], NULL, 10);
	struct cost before, after;

	use(argv[1], argv[2], 25001);
	use(argv[3], argv[4], 25002);
	measure();
	use(argv[1], argv[2], 25001);
	before = measure();
	for (long i = 0; i < rounds; i++) {
		use(argv[1], argv[2], 25001);
		use(argv[3], argv[4], 25002);
	}
	after = measure();
	printf("mappings: %ld\nKiB: %ld\n", after.mappings - before.mappings, after.resident - before.resident);
	return 0;
}

static int deepbind(char **argv)
{
	static void *blocks[100];
	allocate *function;
	void *library = open_library(argv[0], RTLD_DEEPBIND, argv[1], &function);
	release *give;

	*(void **)&give = dlsym(library, "give");
	for (int i = 0; i < 100; i++)
		free(function(100));
	for (int i = 0; i < 100; i++)
		blocks[i] = malloc(300);
	for (int i = 0; i < 100; i++)
		give(blocks[i]);
	for (int i = 0; i < 100; i++)
		blocks[i] = malloc(300);
	for (int i = 0; i < 100; i++)
		free(blocks[i]);
	return dlclose(library);
}

int main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "churn") == 0)
		return churn(argv + 2);
	if (argc == 4 && strcmp(argv[1], "deepbind") == 0)
		return deepbind(argv + 2);
	return 2;
}
