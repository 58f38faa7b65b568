/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Libraries that come and go; each has a function that allocates, and give(), which releases.
 *
 *     loading churn ROUNDS FIRST.so FUNCTION SECOND.so FUNCTION
 *         each by turns, which allocates 25001 or 25002 bytes; prints what mappings and resident KiB that has cost
 *     loading deepbind LIBRARY.so FUNCTION
 *         100 of its blocks are released here and 100 of ours there
 *     loading replace FIRST.so FUNCTION SECOND.so FUNCTION
 *         the second one takes the first one's path after that was unloaded
 *     loading replace-large FIRST.so FUNCTION SECOND.so FUNCTION
 *         the same a hundred times, with blocks a hundred times as large
 *     loading switch FIRST.so FUNCTION SECOND.so FUNCTION
 *         SIGUSR1 switches tracing off before the first is unloaded, and on after the second was loaded
 *     loading cut LIBRARY.so FUNCTION SIZE
 *         the library's file is cut to SIZE bytes after a first call of FUNCTION; give() is called then
 *     loading all FUNCTION LIBRARY.so...
 *         loads all, calls FUNCTION of each with 27000 and the library's number, unloads all
 *     loading each FUNCTION LIBRARY.so...
 *         the same one after another; libraries that do not load are left out
 */
#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int replace(char **argv)
{
	use(argv[0], argv[1], 25001);
	if (rename(argv[2], argv[0]) != 0)
		return 1;
	use(argv[0], argv[3], 25002);
	return 0;
}

/* The names change places after each round, so that each is loaded at the other one's place again and again. */
static int replace_large(char **argv)
{
	for (int i = 0; i < 100; i++) {
		use(argv[0], argv[1], 2500100);
		if (rename(argv[0], "kept.so") != 0 || rename(argv[2], argv[0]) != 0)
			return 1;
		use(argv[0], argv[3], 2500200);
		if (rename(argv[0], argv[2]) != 0 || rename("kept.so", argv[0]) != 0)
			return 1;
	}
	return 0;
}

static int switch_off_and_on(char **argv)
{
	allocate *function;
	void *library = open_library(argv[0], 0, argv[1], &function);

	free(function(25001));
	raise(SIGUSR1);
	dlclose(library);
	library = open_library(argv[2], 0, argv[3], &function);
	raise(SIGUSR1);
	free(function(25002));
	return dlclose(library);
}

static int cut(char **argv)
{
	allocate *function;
	void *library = open_library(argv[0], 0, argv[1], &function);
	release *give;

	*(void **)&give = dlsym(library, "give");
	free(function(25001));
	if (truncate(argv[0], strtol(argv[2], NULL, 0)) != 0)
		return 1;
	give(function(25002));
	return 0;
}

static int all(char **argv)
{
	static void *libraries[PATH_MAX];
	allocate *function;
	unsigned count = 0;

	for (; argv[1 + count]; count++) {
		libraries[count] = open_library(argv[1 + count], 0, argv[0], &function);
		free(function(27000 + count));
	}
	while (count)
		dlclose(libraries[--count]);
	return 0;
}

static int each(char **argv)
{
	unsigned loaded = 0;

	for (unsigned i = 1; argv[i]; i++) {
		void *library = dlopen(argv[i], RTLD_NOW);
		allocate *function;

		if (!library || !(*(void **)&function = dlsym(library, argv[0])))
			continue;
		for (unsigned long round = 0; round < 20; round++)
			free(function(28000 + i));
		dlclose(library);
		loaded++;
	}
	printf("loaded: %u\n", loaded);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "replace") == 0)
		return replace(argv + 2);
	if (argc == 6 && strcmp(argv[1], "replace-large") == 0)
		return replace_large(argv + 2);
	if (argc == 6 && strcmp(argv[1], "switch") == 0)
		return switch_off_and_on(argv + 2);
	if (argc == 5 && strcmp(argv[1], "cut") == 0)
		return cut(argv + 2);
	if (argc > 3 && strcmp(argv[1], "all") == 0)
		return all(argv + 2);
	if (argc > 3 && strcmp(argv[1], "each") == 0)
		return each(argv + 2);
	if (argc == 7 && strcmp(argv[1], "churn") == 0)
		return churn(argv + 2);
	if (argc == 4 && strcmp(argv[1], "deepbind") == 0)
		return deepbind(argv + 2);
	return 2;
}
